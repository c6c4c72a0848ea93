import type { Kernels } from "../kernels/kernels.ts";
import type { NumberFormat } from "../scenario/number-format.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Control } from "./control.ts";
import type { Landing } from "./landing.ts";
import type { Rendezvous } from "./rendezvous.ts";

/** What the ends of one thread share. */
export interface Fabric {
  readonly control: Control;
  readonly kernels: Kernels;
  readonly catalogue: Catalogue;
  readonly landing: Landing;
  /** Of every rank in the world. */
  readonly outboxes: readonly Uint8Array[];
  /** What values travel as where a call does not say. */
  readonly payload: NumberFormat;
  readonly threadOfRank: readonly number[];
  readonly thread: number;
  /** null: collectives go by messages only. */
  readonly rendezvous: Rendezvous | null;
  /** Counts completed sends and receives on this thread, so that the executor sees movement. */
  movements: number;
}

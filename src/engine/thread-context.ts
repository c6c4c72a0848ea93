import type { FloatArray, Kernels } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import type { Caller } from "./caller.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Fabric } from "./fabric.ts";
import type { Workload } from "./workload.ts";

/** How a rank meets its peers, whatever the layout. */
export interface RankEnds {
  readonly endpoint: Pick<Endpoint, "ledger" | "overflows">;
  readonly caller: Pick<Caller, "communicator" | "leave">;
}

/** What all ranks of a thread share. */
export interface ThreadContext {
  readonly workload: Workload;
  readonly fabric: Fabric;
  readonly kernels: Kernels;
  readonly whole: WholeViews;
  /** Per normaliser: the group of every rank. */
  readonly groups: readonly (readonly Group[])[];
  /** Likewise: the ranks that hold one of its index sets between them. */
  readonly holders: readonly (readonly (readonly number[])[])[];
  /** Of every rank: the ranks that hold the same channels. */
  readonly dataParallelGroups: readonly Group[];
  /** Any rank's arrays: for the oracle, which nobody else may look at them for. */
  readonly viewsOf: (rank: number) => RankViews;
  /** Room for one rank's y or dx as the whole batch would have given it. */
  readonly scratch: FloatArray;
  /** Ends the thread; only an injected fault asks for it. */
  readonly exit: () => void;
}

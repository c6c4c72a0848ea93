import type { LedgerEntry } from "../collectives/ledger.ts";
import type { RankEvents } from "../normalizers/operator.ts";
import type { NonFinite } from "./non-finite.ts";

/** What one rank reports of a pass; its arrays stay in shared memory. */
export interface PassResult {
  readonly rank: number;
  /** The collectives of this pass. */
  readonly ledger: readonly LedgerEntry[];
  /** How many statistics the rank used, of all its slices. */
  readonly setCount: number;
  /** Merged variances that rounding had made negative. */
  readonly clampedVariances: number;
  readonly nonFinite: NonFinite;
  readonly events: RankEvents;
}

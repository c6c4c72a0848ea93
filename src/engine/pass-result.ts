import type { LedgerEntry } from "../collectives/ledger.ts";
import type { ClampedVariances } from "../normalizers/operator.ts";
import type { NonFinite } from "./non-finite.ts";

/** What one rank reports of an exchange of running statistics. */
export interface ExchangeResult {
  readonly rank: number;
  /** The collectives of this exchange or pass, in order. */
  readonly ledger: readonly LedgerEntry[];
}

/** What one rank reports of a pass; its arrays stay in shared memory. */
export interface PassResult extends ExchangeResult {
  /** How many statistics the rank used, of all its slices. */
  readonly setCount: number;
  /** Of all slices. */
  readonly clampedVariances: ClampedVariances;
  /** Finite numbers that a half format made infinite: in x, dy, y, dx and on the wire. */
  readonly overflows: number;
  readonly nonFinite: NonFinite;
}

import { readFileSync } from "node:fs";

interface Oracles {
  readonly rows: readonly {
    readonly n: number;
    readonly N: number;
    readonly std: number;
    readonly meanGap: number;
    readonly logVarianceRatio: number | null;
    readonly kl: number | null;
    readonly jeffreys: number | null;
    readonly w2: number;
    readonly outputMse: number;
  }[];
  readonly gradientCosines: readonly {
    readonly counts: readonly number[];
    readonly gradientCosine: number;
  }[];
}

/** What test/golden/gaussian-oracles.py wrote. */
export const gaussianOracles: Oracles = JSON.parse(
  readFileSync(new URL("../golden/gaussian-oracles.json", import.meta.url), "utf8"),
);

import type { Cluster } from "../cluster.ts";
import { type CollectivePrediction, predictCollective } from "../nccl/predict.ts";
import type { CollectiveSeconds } from "../timeline/sync-pass.ts";

/** Which end of a prediction's 80 % band. */
export type Bound = "nominal" | "low" | "high";

/** The collectives of one estimate, each predicted once. */
export class CollectiveTimes {
  readonly #cluster: Cluster;
  readonly #ncclVersion: string | undefined;
  /** By operation, ranks and bytes: looked up for every layer of every step. */
  readonly #predicted = {
    "all-reduce": new Map<number, Map<number, CollectivePrediction>>(),
    "all-gather": new Map<number, Map<number, CollectivePrediction>>(),
  };

  constructor(cluster: Cluster, ncclVersion: string | undefined) {
    this.#cluster = cluster;
    this.#ncclVersion = ncclVersion;
  }

  /** Times at one end of the band. */
  at(bound: Bound): CollectiveSeconds {
    const key = bound === "nominal" ? "seconds" : bound === "low" ? "lowSeconds" : "highSeconds";
    return (operation, bytes, ranks) => this.predict(operation, bytes, ranks)[key];
  }

  /** Ranks fill nodes one after the other, as many on each. */
  predict(operation: "all-reduce" | "all-gather", bytes: number, ranks: number): CollectivePrediction {
    const byRanks = this.#predicted[operation];
    let byBytes = byRanks.get(ranks);
    if (byBytes === undefined) {
      byBytes = new Map();
      byRanks.set(ranks, byBytes);
    }
    let prediction = byBytes.get(bytes);
    if (prediction === undefined) {
      const nodes = Math.ceil(ranks / this.#cluster.gpusPerNode);
      const version = this.#ncclVersion === undefined ? {} : { ncclVersion: this.#ncclVersion };
      const gpusPerNode = Math.ceil(ranks / nodes);
      const cluster = this.#cluster;
      prediction = predictCollective({ cluster, operation, nodes, gpusPerNode, bytes, ...version });
      byBytes.set(bytes, prediction);
    }
    return prediction;
  }

  /** What the predictions do not cover, in sentences, each once. */
  notes(): string[] {
    const all = Object.values(this.#predicted)
      .flatMap((byRanks) => [...byRanks.values()])
      .flatMap((byBytes) => [...byBytes.values()]);
    return [...new Set(all.flatMap(({ notes }) => notes))];
  }
}

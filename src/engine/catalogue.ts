import { countSchedule, type ScheduleCount } from "../collectives/count.ts";
import { buildSchedule } from "../collectives/plan.ts";
import type { Operation, Schedule } from "../collectives/schedule.ts";
import type { CollectiveShape } from "../normalizers/operator.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { layOutOutboxes, type OutboxLayout } from "./outbox.ts";

/** A schedule and where its messages wait to be read. */
export interface PlannedCollective {
  readonly schedule: Schedule;
  readonly outboxes: OutboxLayout;
  readonly count: ScheduleCount;
}

/** The schedules of a scenario's collectives, each built once. */
export class Catalogue {
  readonly #scenario: Scenario;
  /** Per operation, by ranks and elements in one number. */
  readonly #planned: Readonly<Record<Operation, Map<number, PlannedCollective>>> = {
    "all-reduce": new Map(),
    "all-gather": new Map(),
    "reduce-scatter": new Map(),
    broadcast: new Map(),
  };

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** The schedule of one collective in a group of `ranks` ranks. */
  plan(
    shape: Pick<CollectiveShape, "operation" | "values" | "valuesPerElement">,
    ranks: number,
  ): PlannedCollective {
    const payloadElements = shape.values / shape.valuesPerElement;
    const known = this.#planned[shape.operation];
    const key = ranks * 2 ** 32 + payloadElements;
    let planned = known.get(key);
    if (planned === undefined) {
      const { algorithms, cluster } = this.#scenario;
      const algorithm = {
        "all-reduce": algorithms.allReduce,
        "all-gather": algorithms.allGather,
        "reduce-scatter": "ring",
        broadcast: "binomial",
      } as const;
      const { operation } = shape;
      const request = { ranks, payloadElements, ranksPerNode: cluster.gpusPerNode };
      const schedule = buildSchedule(operation, algorithm[operation], request);
      planned = { schedule, outboxes: layOutOutboxes(schedule), count: countSchedule(schedule) };
      known.set(key, planned);
    }
    return planned;
  }
}

import { buildSchedule } from "../collectives/plan.ts";
import type { Schedule } from "../collectives/schedule.ts";
import type { CollectiveShape } from "../normalizers/operator.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { layOutOutboxes, type OutboxLayout } from "./outbox.ts";

/** A schedule and where its messages wait to be read. */
export interface PlannedCollective {
  readonly schedule: Schedule;
  readonly outboxes: OutboxLayout;
}

/** The schedules of a scenario's collectives, each built once. */
export class Catalogue {
  readonly #scenario: Scenario;
  readonly #planned = new Map<string, PlannedCollective>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** The schedule of one collective in a group of `ranks` ranks. */
  plan(
    shape: Pick<CollectiveShape, "operation" | "values" | "valuesPerElement">,
    ranks: number,
  ): PlannedCollective {
    const payloadElements = shape.values / shape.valuesPerElement;
    const key = `${shape.operation} ${ranks} ${payloadElements}`;
    let planned = this.#planned.get(key);
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
      planned = { schedule, outboxes: layOutOutboxes(schedule) };
      this.#planned.set(key, planned);
    }
    return planned;
  }
}

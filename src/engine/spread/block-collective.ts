import type { Communicator, Progress } from "../../collectives/communicator.ts";
import { momentsCombine, pairedMomentsCombine } from "../../collectives/merge-moments.ts";
import type { FloatArray } from "../../kernels/kernels.ts";
import { scalarKernels } from "../../kernels/scalar.ts";
import { byRank, dataParallelGroups, type Group, groupsOf } from "../../normalizers/group.ts";
import { Catalogue } from "../catalogue.ts";
import { Control, controlBytes } from "../control.ts";
import { Endpoint } from "../endpoint.ts";
import { runPrograms } from "../executor.ts";
import type { Fabric } from "../fabric.ts";
import { Landing } from "../landing.ts";
import { wireArrayBytes } from "../wire-array.ts";
import type { Workload } from "../workload.ts";
import type { Answer, Contribution, Received } from "./block-call.ts";

/**
 * Execute a collective of all groups on the payloads that their ranks gave: the same schedule, message by message on
 * the same fabric as between the threads of one machine, so the same bits and the same ledger.
 *
 * @throws Error if a rank of a group is missing, which the others wait for.
 */
export function answerCollective(
  workload: Workload,
  normalizer: number,
  contributions: readonly Contribution[],
): Answer {
  const { mesh, cluster, normalizers } = workload.scenario;
  const groups = [
    byRank(dataParallelGroups(mesh)),
    byRank(groupsOf(normalizers[normalizer]!, mesh, cluster.gpusPerNode)),
  ];
  const members = contributions.map((given) => ({ given, group: groups[given.part]![given.rank]! }));
  const fabric = fabricFor(workload, members);
  const ranks = new Array<Received | null>(workload.worldSize).fill(null);
  const results = new Results();
  const programs = members.map(({ given, group }) => {
    const { rank } = given;
    const endpoint = new Endpoint(fabric, rank);
    function* program(): Progress<void> {
      const vector = results.keep(yield* take(endpoint.communicator(group, normalizer, 0), given));
      ranks[rank] = { vector, entry: endpoint.ledger[0]!, overflows: endpoint.overflows };
    }
    return { rank, program: program() };
  });
  runPrograms(programs, fabric, { sleep: () => false }, (rank, cause) => {
    const what = cause instanceof Error ? cause.message : String(cause);
    return new Error(`rank ${rank}, in a collective between blocks: ${what}`, { cause });
  });
  return { vectors: results.vectors, ranks };
}

interface Member {
  readonly given: Contribution;
  readonly group: Group;
}

/** One thread that all ranks are folded on, with room for this collective. */
function fabricFor({ scenario, worldSize, payload }: Workload, members: readonly Member[]): Fabric {
  const catalogue = new Catalogue(scenario);
  const control = new Control(
    new Int32Array(new SharedArrayBuffer(controlBytes(worldSize, 1))),
    worldSize,
    1,
  );
  const outboxes = new Array<Uint8Array>(worldSize).fill(new Uint8Array(0));
  let landingBytes = 0;
  for (const { given, group } of members) {
    const { rank, operation, format, valuesPerElement, values } = given;
    const shape = { operation, valuesPerElement, values: values.length };
    const { capacities } = catalogue.plan(shape, group.ranks.length).outboxes;
    const index = group.ranks.indexOf(rank);
    outboxes[rank] = new Uint8Array(2 * wireArrayBytes(format, capacities[index]! * valuesPerElement));
    if (index === 0) landingBytes += wireArrayBytes(format, values.length * group.ranks.length);
  }
  return {
    control,
    kernels: scalarKernels,
    catalogue,
    landing: new Landing(new Uint8Array(landingBytes), control, ({ ranks }) => ranks.length),
    outboxes,
    payload,
    threadOfRank: new Array<number>(worldSize).fill(0),
    thread: 0,
    rendezvous: null,
    movements: 0,
  };
}

function* take(communicator: Communicator, given: Contribution): Progress<FloatArray> {
  const { operation, format, valuesPerElement, counts } = given;
  const values = given.values.slice();
  if (operation === "all-gather") return yield* communicator.allGather(values, { format });
  if (operation === "broadcast") yield* communicator.broadcast(values, { format });
  else if (operation === "reduce-scatter") yield* communicator.reduceScatter(values, { format });
  else if (valuesPerElement === 1) yield* communicator.allReduce(values, { format });
  else {
    const combine = valuesPerElement === 3 ? momentsCombine : pairedMomentsCombine(counts ?? []);
    yield* communicator.allReduce(values, { format, combine });
  }
  return values;
}

/** Results of ranks; equal ones, bit for bit, are kept once. */
class Results {
  readonly vectors: FloatArray[] = [];

  keep(vector: FloatArray): number {
    const found = this.vectors.findLastIndex((kept) => isSame(kept, vector));
    return found >= 0 ? found : this.vectors.push(vector.slice()) - 1;
  }
}

function isSame(a: FloatArray, b: FloatArray): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

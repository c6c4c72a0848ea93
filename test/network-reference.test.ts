import { expect, test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import { type Schedule, ScheduleBuilder } from "../src/collectives/schedule.ts";
import { conditionColumns } from "../src/cost/network/conditions.ts";
import { finishContended } from "../src/cost/network/contended.ts";
import { fatTreeNetwork } from "../src/cost/network/fat-tree-network.ts";
import type { Network } from "../src/cost/network/network.ts";
import { pathsOf } from "../src/cost/network/paths.ts";
import { type SimulationOptions, simulateSchedule } from "../src/cost/network/simulation.ts";
import { starNetwork } from "../src/cost/network/star-network.ts";
import { finishUncontended } from "../src/cost/network/uncontended.ts";
import { createRandomStream, type RandomStream } from "../src/scenario/random.ts";
import { expectClose } from "./support/close.ts";
import { everyCollective, request } from "./support/every-collective.ts";

/** Both sides treat moments and rates as one that are 1e-12 apart, some hundred times in a row. */
const tolerance = 1e-9;

interface Flow {
  readonly message: number;
  readonly links: readonly number[];
  /** When it may flow; until then it pays its latency. */
  readonly readySeconds: number;
  remainingBytes: number;
  rate: number;
}

/** Progressive filling over all flows at once, straight from the definition. */
function fillFairly(flows: readonly Flow[], network: Network): void {
  const spare = network.bandwidthBytesPerSecond.slice();
  let growing = [...flows];
  for (const flow of flows) flow.rate = 0;
  while (growing.length > 0) {
    const users = new Float64Array(network.linkCount);
    for (const flow of growing) for (const link of flow.links) users[link]!++;
    const shares = spare.map((bandwidth, link) => (users[link]! > 0 ? bandwidth / users[link]! : Infinity));
    const growth = Math.min(...shares);
    for (const flow of growing) {
      flow.rate += growth;
      for (const link of flow.links) spare[link]! -= growth;
    }
    growing = growing.filter((flow) => !flow.links.some((link) => shares[link]! <= growth * (1 + 1e-12)));
  }
}

/** The same simulation without any of its machinery: all flows, all rates, all ranks at every moment. */
function finishSlowly(schedule: Schedule, network: Network, options: SimulationOptions): Float64Array {
  const { ranks, source, target, length, stepStart, stepCount } = schedule;
  const columns = conditionColumns(options, ranks, source.length);
  const mine = Array.from({ length: ranks }, (_, rank) =>
    Array.from({ length: stepCount }, (_, step) => {
      const all = Array.from(
        { length: stepStart[step + 1]! - stepStart[step]! },
        (_, i) => stepStart[step]! + i,
      );
      return all.filter((i) => source[i] === rank || target[i] === rank);
    }).filter((own) => own.length > 0),
  );
  const step = new Array<number>(ranks).fill(0);
  const finish = columns.startSeconds.slice();
  const done = new Set<number>();
  let flows: Flow[] = [];
  const started = new Set<number>();
  const entered = finish.map((seconds, rank) => seconds + columns.stepDelaySeconds[rank]!);
  const isIn = (rank: number, message: number) => mine[rank]![step[rank]!]?.includes(message) === true;
  for (let now = 0; done.size < source.length; ) {
    for (let i = 0; i < source.length; i++) {
      if (started.has(i) || !isIn(source[i]!, i) || !isIn(target[i]!, i)) continue;
      started.add(i);
      const scratch = new Uint32Array(network.longestRoute);
      const links = [...scratch.subarray(0, network.route(source[i]!, target[i]!, scratch))];
      const wait = links.reduce(
        (sum, link) => sum + network.latencySeconds[link]!,
        columns.jitterSeconds[i] ?? 0,
      );
      const readySeconds = Math.max(entered[source[i]!]!, entered[target[i]!]!) + wait;
      flows.push({
        message: i,
        links,
        readySeconds,
        remainingBytes: length[i]! * options.elementBytes,
        rate: 0,
      });
    }
    const moving = flows.filter(({ readySeconds }) => readySeconds <= now * (1 + 1e-12));
    fillFairly(moving, network);
    const waiting = flows.filter((flow) => !moving.includes(flow)).map(({ readySeconds }) => readySeconds);
    const ends = moving.map(({ remainingBytes, rate }) => now + remainingBytes / rate);
    const next = Math.min(...waiting, ...ends);
    for (const flow of moving) flow.remainingBytes -= flow.rate * (next - now);
    now = next;
    const through = moving.filter((_, i) => ends[i]! <= next * (1 + 1e-12));
    flows = flows.filter((flow) => !through.includes(flow));
    for (const { message } of through) {
      done.add(message);
      for (const rank of [source[message]!, target[message]!]) finish[rank] = Math.max(finish[rank]!, now);
    }
    for (const { message } of through) {
      for (const rank of [source[message]!, target[message]!]) {
        if (!isIn(rank, message) || !mine[rank]![step[rank]!]!.every((i) => done.has(i))) continue;
        step[rank]!++;
        entered[rank] = finish[rank]! + columns.stepDelaySeconds[rank]!;
      }
    }
  }
  return finish;
}

const cable = (random: RandomStream) => ({
  latencySeconds: random.integer(0, 3) * 1e-6,
  bandwidthBytesPerSecond: random.integer(1, 4) * 1e9,
});

function randomNetwork(random: RandomStream): Network {
  const [children, width] = [random.integer(2, 4), random.integer(2, 3)];
  return fatTreeNetwork([
    { children, parents: random.integer(1, 2), ...cable(random) },
    { children: width, parents: random.integer(1, 2), ...cable(random) },
  ]);
}

function randomSchedule(ranks: number, random: RandomStream): Schedule {
  const builder = new ScheduleBuilder();
  for (let steps = random.integer(1, 4); steps > 0; steps--) {
    const ends = Array.from({ length: random.integer(1, random.integer(1, 2 * ranks)) }, () => {
      const source = random.integer(0, ranks - 1);
      return { source, target: (source + random.integer(1, ranks - 1)) % ranks };
    });
    // Some times in a row, as in a ring; every other time with the same lengths.
    const isEven = random.integer(0, 1) === 1;
    for (let rounds = random.integer(1, 6); rounds > 0; rounds--) {
      for (const [i, { source, target }] of ends.entries())
        builder.send(source, target, 0, isEven ? i + 1 : random.integer(1, 5) * 1000, "copy");
      builder.endStep();
    }
  }
  return builder.build("broadcast", "random", ranks, 5000);
}

// Oracle: the slow simulation above.
test("random messages on random fat trees finish when a simulation without shortcuts says", () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = createRandomStream({
      seed,
      rank: "all",
      trainingStep: "all",
      purpose: "network reference",
    });
    const network = randomNetwork(random);
    const schedule = randomSchedule(network.ranks, random);
    const perRank = () => Float64Array.from({ length: network.ranks }, () => random.integer(0, 2) * 1e-6);
    const options: SimulationOptions = {
      elementBytes: 4,
      ...(seed % 3 > 0 && { startSeconds: perRank(), stepDelaySeconds: perRank() }),
      ...(seed % 3 > 1 && { jitter: { seed, meanSeconds: 1e-6 } }),
    };
    const got = simulateSchedule(schedule, network, options).finishSeconds;
    expectClose(got, finishSlowly(schedule, network, options), tolerance, 0, `seed ${seed}`);
  }
});

// Oracle: each other. On a star, messages of these meet nowhere, so events change nothing.
test("where no messages meet, events and plain steps agree", () => {
  let compared = 0;
  for (const [operation, algorithm] of everyCollective) {
    const schedule = buildSchedule(operation, algorithm as never, request(13, 130));
    const network = starNetwork({ ranks: 13, latencySeconds: 1e-6, bandwidthBytesPerSecond: 1e9 });
    const conditions = {
      startSeconds: Float64Array.from({ length: 13 }, (_, rank) => ((5 * rank) % 7) * 1e-6),
      stepDelaySeconds: Float64Array.from({ length: 13 }, (_, rank) => ((3 * rank) % 5) * 1e-6),
      jitter: { seed: 3, meanSeconds: 1e-6 },
    };
    if (simulateSchedule(schedule, network, { elementBytes: 4, ...conditions }).isContended) continue;
    compared++;
    const paths = pathsOf(schedule, network);
    const columns = conditionColumns(conditions, 13, schedule.source.length);
    const traffic = { schedule, elementBytes: 4, paths, ...columns };
    const got = finishContended(traffic, paths, network.bandwidthBytesPerSecond);
    expectClose(got, finishUncontended(traffic), tolerance, 0, `${operation} ${algorithm}`);
  }
  expect(compared).toBeGreaterThan(5);
});

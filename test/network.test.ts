import { expect, test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import { type Schedule, ScheduleBuilder } from "../src/collectives/schedule.ts";
import { scheduleSeconds } from "../src/cost/alpha-beta.ts";
import { linkConstants } from "../src/cost/links.ts";
import { clusterNetwork } from "../src/cost/network/cluster-network.ts";
import { fatTreeNetwork } from "../src/cost/network/fat-tree-network.ts";
import type { Network } from "../src/cost/network/network.ts";
import { simulateSchedule } from "../src/cost/network/simulation.ts";
import { slowLink } from "../src/cost/network/slow-link.ts";
import { starNetwork } from "../src/cost/network/star-network.ts";
import { clusterPresets } from "../src/cost/presets.ts";
import { expectClose } from "./support/close.ts";
import { everyCollective, request } from "./support/every-collective.ts";

/** What is asked of a simulation without contention; a thousand steps round by 1e-13. */
const closedFormTolerance = 1e-9;

const elementBytes = 4;
const alpha = 2e-6;
const bandwidthBytesPerSecond = 25e9;
const beta = elementBytes / bandwidthBytesPerSecond;
const star = (ranks: number): Network =>
  starNetwork({ ranks, latencySeconds: alpha / 2, bandwidthBytesPerSecond });
const identity = (ranks: number): number[] => Array.from({ length: ranks }, (_, rank) => rank);
const secondsOn = (schedule: Schedule): number =>
  simulateSchedule(schedule, star(schedule.ranks), { elementBytes }).seconds;

// Oracle: Thakur, Rabenseifner, Gropp (2005), doi 10.1177/1094342005051521, with γ = 0; the star by hand: all
// vectors share the server's port, in, then out. n: elements of the vector.
const closedForms = [
  ["all-reduce", "ring", (p: number, n: number) => 2 * (p - 1) * (alpha + (n / p) * beta)],
  ["all-reduce", "recursive-doubling", (p: number, n: number) => Math.log2(p) * (alpha + n * beta)],
  [
    "all-reduce",
    "rabenseifner",
    (p: number, n: number) => 2 * Math.log2(p) * alpha + 2 * (1 - 1 / p) * n * beta,
  ],
  ["all-reduce", "binomial-tree", (p: number, n: number) => 2 * Math.log2(p) * (alpha + n * beta)],
  ["all-reduce", "star", (p: number, n: number) => 2 * alpha + 2 * (p - 1) * n * beta],
  ["all-gather", "ring", (p: number, n: number) => (p - 1) * (alpha + n * beta)],
  ["all-gather", "bruck", (p: number, n: number) => Math.log2(p) * alpha + (p - 1) * n * beta],
  ["reduce-scatter", "ring", (p: number, n: number) => (p - 1) * (alpha + (n / p) * beta)],
  [
    "reduce-scatter",
    "recursive-halving",
    (p: number, n: number) => Math.log2(p) * alpha + (1 - 1 / p) * n * beta,
  ],
  ["broadcast", "binomial", (p: number, n: number) => Math.log2(p) * (alpha + n * beta)],
] as const;

for (const [operation, algorithm, seconds] of closedForms) {
  test(`${operation} by ${algorithm} on a star takes what its closed form says`, () => {
    for (const p of [2, 4, 8, 32, 128]) {
      const schedule = buildSchedule(operation, algorithm as never, request(p, 1280));
      expectClose([secondsOn(schedule)], [seconds(p, 1280)], closedFormTolerance, 0, `${p} ranks`);
    }
  });
}

// Oracle: the α-β clock, which lets messages that meet at a port queue instead of share it: the last is done
// at the same time.
test("on one switch every collective takes what the α-β clock says", () => {
  const link = { latencySeconds: alpha, bandwidthBytesPerSecond };
  for (const [operation, algorithm] of everyCollective) {
    for (const p of [1, 2, 3, 5, 8, 13, 16, 32, 33]) {
      const schedule = buildSchedule(operation, algorithm as never, request(p, 961));
      const want = scheduleSeconds(schedule, elementBytes, () => 0, { intra: link, inter: link });
      expectClose([secondsOn(schedule)], [want], closedFormTolerance, 0, `${operation} ${algorithm} ${p}`);
    }
  }
});

// Oracle: the α-β clock. A node of a DGX A100 has a card per GPU, so that nothing but ports is shared.
test("between nodes with a card per GPU, messages that do not meet take what the α-β clock says", () => {
  const cluster = clusterPresets["dgx-a100"]!;
  let compared = 0;
  for (const [operation, algorithm] of everyCollective) {
    for (const p of [8, 16, 24, 64]) {
      const schedule = buildSchedule(operation, algorithm as never, request(p, 961));
      const got = simulateSchedule(schedule, clusterNetwork(cluster, identity(p)), { elementBytes });
      if (got.isContended) continue;
      compared++;
      const nodeOfRank = (rank: number) => Math.floor(rank / cluster.gpusPerNode);
      const want = scheduleSeconds(schedule, elementBytes, nodeOfRank, linkConstants(cluster));
      expectClose([got.seconds], [want], closedFormTolerance, 0, `${operation} ${algorithm} ${p}`);
    }
  }
  expect(compared).toBeGreaterThan(30);
});

/** Steps of [source, target, elements] messages, each as often as it says. */
function steps(
  ranks: number,
  ...all: readonly (readonly [rounds: number, messages: readonly (readonly [number, number, number])[]])[]
): Schedule {
  const builder = new ScheduleBuilder();
  for (const [rounds, messages] of all) {
    for (let round = 0; round < rounds; round++) {
      for (const [source, target, length] of messages) builder.send(source, target, 0, length, "copy");
      builder.endStep();
    }
  }
  return builder.build("broadcast", "steps", ranks, 1000);
}

/** One step of [source, target, elements] messages. */
function oneStep(ranks: number, messages: readonly (readonly [number, number, number])[]): Schedule {
  return steps(ranks, [1, messages]);
}

/** Links of bandwidth 1 B/s or as given, without latency, and the way between two ranks. */
function wired(
  ranks: number,
  bandwidth: readonly number[],
  ways: Readonly<Record<string, readonly number[]>>,
): Network {
  return {
    ranks,
    linkCount: bandwidth.length,
    latencySeconds: new Float64Array(bandwidth.length),
    bandwidthBytesPerSecond: Float64Array.from(bandwidth),
    longestRoute: bandwidth.length,
    route: (source, target, links) => {
      const way = ways[`${source} ${target}`]!;
      links.set(way);
      return way.length;
    },
    linkName: (link) => `link ${link}`,
  };
}

// Oracle: by hand. 1, 2 and 3 bytes at 1/3 B/s each; at 3 s the first is through, 1/2 B/s; at 5 s the second.
test("messages into one port share it, and what one leaves the others take", () => {
  const schedule = oneStep(4, [
    [1, 0, 1],
    [2, 0, 2],
    [3, 0, 3],
  ]);
  const network = starNetwork({ ranks: 4, latencySeconds: 0, bandwidthBytesPerSecond: 1 });
  const { messages } = simulateSchedule(schedule, network, { elementBytes: 1, recordsMessages: true });
  expectClose(messages!.finishSeconds, [3, 5, 6], closedFormTolerance, 0);
});

// Oracle: by hand, after Bertsekas and Gallager's example. Link 0 (1 B/s) holds messages 0 and 1 to 1/2 each;
// message 2 gets the other 5/2 of link 1 (3 B/s): 5 bytes in 2 s. Then 0 and 1 have 3 − 1 bytes left: 6 s.
test("a message that is held up elsewhere leaves the rest of a link to the others", () => {
  const network = wired(6, [1, 3], { "0 1": [0], "2 3": [0, 1], "4 5": [1] });
  const schedule = oneStep(6, [
    [0, 1, 3],
    [2, 3, 3],
    [4, 5, 5],
  ]);
  const { messages } = simulateSchedule(schedule, network, { elementBytes: 1, recordsMessages: true });
  expectClose(messages!.finishSeconds, [6, 6, 2], closedFormTolerance, 0);
});

// Oracle: by hand. Alone for 2 s: 2 of 3 bytes; then halves: 1 byte takes 2 s; the second has 2 left: 6 s.
test("a message that starts later slows the first one down from then on", () => {
  const schedule = oneStep(3, [
    [1, 0, 3],
    [2, 0, 3],
  ]);
  const network = wired(3, [1], { "1 0": [0], "2 0": [0] });
  const late = Float64Array.of(0, 0, 2);
  const options = { elementBytes: 1, startSeconds: late, recordsMessages: true };
  const { messages, finishSeconds } = simulateSchedule(schedule, network, options);
  expectClose(messages!.startSeconds, [0, 2], closedFormTolerance, 0);
  expectClose(messages!.finishSeconds, [4, 6], closedFormTolerance, 0);
  expectClose(finishSeconds, [6, 4, 6], closedFormTolerance, 0);
});

// Oracle: by hand. Ranks 2 and 3 have nothing in step 1, so they begin step 2 at once: 3 + 3 bytes in 6 s.
test("messages of different steps share a link where their ranks do not wait for each other", () => {
  const builder = new ScheduleBuilder();
  builder.send(0, 1, 0, 3, "copy");
  builder.endStep();
  builder.send(2, 3, 0, 3, "copy");
  builder.endStep();
  const schedule = builder.build("broadcast", "two steps", 4, 3);
  const network = wired(4, [1], { "0 1": [0], "2 3": [0] });
  const { finishSeconds } = simulateSchedule(schedule, network, { elementBytes: 1 });
  expectClose(finishSeconds, [6, 6, 6, 6], closedFormTolerance, 0);
});

const repeated: readonly {
  readonly what: string;
  readonly schedule: Schedule;
  readonly network: Network;
  readonly startSeconds?: readonly number[];
  readonly want: readonly number[];
}[] = [
  // 5 s late, then 4 rounds of 1 s.
  {
    what: "a target that is late for the first of them",
    schedule: steps(2, [4, [[0, 1, 1]]]),
    network: wired(2, [1], { "0 1": [0] }),
    startSeconds: [0, 5],
    want: [9, 9],
  },
  // Halves of 1 B/s: 4 bytes take 8 s, in which 4 rounds of 1 byte end; the fifth has the link to itself.
  {
    what: "a message of another step on their link",
    schedule: steps(4, [1, [[2, 3, 4]]], [5, [[0, 1, 1]]]),
    network: wired(4, [1], { "0 1": [0], "2 3": [0] }),
    want: [9, 9, 8, 8],
  },
  // Rounds of 1 s and of 2 s, limited by links of their own; the link of both is wide.
  {
    what: "two pairs of ranks, one slower than the other",
    schedule: steps(4, [
      6,
      [
        [2, 3, 2],
        [0, 1, 1],
      ],
    ]),
    network: wired(4, [1, 1, 100], { "0 1": [0, 2], "2 3": [1, 2] }),
    want: [6, 6, 12, 12],
  },
  // At 10 s all ranks are done with the first step; ranks 0 and 2 are in the second until 11 s. The five rounds between
  // ranks 0 and 1, over a link of 2 B/s, take 1/2 s each.
  {
    what: "a rank that is still in the step before them",
    schedule: steps(
      6,
      [
        1,
        [
          [3, 0, 10],
          [1, 4, 10],
          [2, 5, 10],
        ],
      ],
      [1, [[0, 2, 1]]],
      [5, [[0, 1, 1]]],
    ),
    network: wired(6, [1, 1, 2], { "3 0": [0], "1 4": [2], "2 5": [2], "0 2": [1], "0 1": [2] }),
    want: [13.5, 13.5, 11, 10, 10, 10],
  },
];

// Oracle: by hand; where nothing is written, bytes at 1 B/s.
for (const { what, schedule, network, startSeconds, want } of repeated) {
  test(`steps that repeat take as long as they should with ${what}`, () => {
    const { finishSeconds } = simulateSchedule(schedule, network, {
      elementBytes: 1,
      ...(startSeconds && { startSeconds }),
    });
    expectClose(finishSeconds, want, closedFormTolerance, 0);
  });
}

// Oracle: by hand. 4 GPUs and 2 cards per node: two GPUs send over one card, each at half its rate.
test("GPUs that share a card take turns at its bandwidth", () => {
  const inter = {
    kind: "ib-hdr",
    nicsPerNode: 2,
    bandwidthBytesPerSecond: 1e9,
    stepLatencySeconds: 1e-6,
  } as const;
  const cluster = { name: "small", gpu: "a100", gpusPerNode: 4, intra: "nvswitch", inter } as const;
  const both = oneStep(8, [
    [0, 4, 1000],
    [1, 5, 1000],
  ]);
  const apart = oneStep(8, [
    [0, 4, 1000],
    [2, 6, 1000],
  ]);
  const seconds = (schedule: Schedule) =>
    simulateSchedule(schedule, clusterNetwork(cluster, identity(8)), { elementBytes: 1 }).seconds;
  expectClose([seconds(both)], [1e-6 + 2e-6], closedFormTolerance, 0);
  expectClose([seconds(apart)], [1e-6 + 1e-6], closedFormTolerance, 0);
});

const ranks = 16;
const ring = buildSchedule("all-reduce", "ring", request(ranks, 1600));
const ringStep = alpha + 100 * beta;

// Oracle: closed form. All that the late rank does comes after its start, and it takes part in every step.
test("a ring waits for a rank that starts late", () => {
  const startSeconds = identity(ranks).map((rank) => (rank === 3 ? 1 : 0));
  const { seconds } = simulateSchedule(ring, star(ranks), { elementBytes, startSeconds });
  expectClose([seconds], [1 + 30 * ringStep], closedFormTolerance, 0);
});

// Oracle: closed form. The slow rank's 30 steps follow one another, each after its delay.
test("a ring goes at the pace of a slow rank", () => {
  const stepDelaySeconds = identity(ranks).map((rank) => (rank === 3 ? 1e-3 : 0));
  const { seconds } = simulateSchedule(ring, star(ranks), { elementBytes, stepDelaySeconds });
  expectClose([seconds], [30 * (1e-3 + ringStep)], closedFormTolerance, 0);
});

// Oracle: closed form. The rank behind the slow link waits for it in each of its 30 steps.
test("a ring goes at the pace of a slow link", () => {
  const slowdown = { bandwidthFactor: 0.25, extraLatencySeconds: 1e-6 };
  const network = slowLink(star(ranks), "rank 5 up", slowdown);
  const { seconds } = simulateSchedule(ring, network, { elementBytes });
  expectClose([seconds], [30 * (alpha + 1e-6 + 400 * beta)], closedFormTolerance, 0);
});

test("a slow link has a name that the network knows", () => {
  const slowdown = { bandwidthFactor: 0.5, extraLatencySeconds: 0 };
  expect(() => slowLink(star(2), "rank 2 up", slowdown)).toThrow(/no link is called rank 2 up/);
  expect(() => slowLink(star(2), "rank 1 up", { ...slowdown, bandwidthFactor: 0 })).toThrow(/times 0/);
});

// Oracle: by hand. Host 17r of 64 sends to host 17(r + 1), on another switch; of the 16 hosts of a switch, 4 send up
// each of its 4 cables, and 4 receive. On a star nothing is shared. All ranks are done with a step at once.
test("each message of a ring starts and finishes with its step", () => {
  const wide = buildSchedule("all-reduce", "ring", request(64, 6400));
  const host = (rank: number) => (rank * 17) % 64;
  const scattered = { ...wide, source: wide.source.map(host), target: wide.target.map(host) };
  const cable = { latencySeconds: 1e-6, bandwidthBytesPerSecond };
  const tree = fatTreeNetwork([
    { children: 16, parents: 1, ...cable },
    { children: 4, parents: 4, ...cable },
  ]);
  for (const { network, cables, share } of [
    { network: starNetwork({ ranks: 64, ...cable }), cables: 2, share: 1 },
    { network: tree, cables: 4, share: 4 },
  ]) {
    const { messages, isContended } = simulateSchedule(scattered, network, {
      elementBytes,
      recordsMessages: true,
    });
    expect(isContended).toBe(share > 1);
    const stepSeconds = cables * 1e-6 + share * 100 * beta;
    const step = Float64Array.from({ length: 126 * 64 }, (_, message) => Math.floor(message / 64));
    expectClose(
      messages!.startSeconds,
      step.map((s) => s * stepSeconds),
      closedFormTolerance,
      0,
    );
    expectClose(
      messages!.finishSeconds,
      step.map((s) => (s + 1) * stepSeconds),
      closedFormTolerance,
      0,
    );
  }
});

/** Standard errors that a mean may be off: beyond 5 once in two million, and the seed is fixed. */
const standardErrors = 5;

// Oracle: the mean of an exponential, whose standard deviation is its mean.
test("jitter adds its mean to a message, and its seed decides it", () => {
  const run = (seed: number) =>
    simulateSchedule(ring, star(ranks), {
      elementBytes,
      jitter: { seed, meanSeconds: 1e-6 },
      recordsMessages: true,
    });
  const { messages, seconds } = run(7);
  const waits = messages!.finishSeconds.map((finish, i) => finish - messages!.startSeconds[i]! - ringStep);
  const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
  expect(Math.abs(mean - 1e-6)).toBeLessThan((standardErrors * 1e-6) / Math.sqrt(waits.length));
  expect(waits.every((wait) => wait > -1e-15)).toBe(true);
  expect(run(7).seconds).toBe(seconds);
  expect(run(8).seconds).not.toBe(seconds);
});

// Oracle: closed form: a rank sends and receives 2(P − 1)/P of the vector.
test("a ring puts 2(P − 1)/P of the vector on every cable of a star, each way", () => {
  const { linkBytes } = simulateSchedule(ring, star(ranks), { elementBytes });
  expect([...linkBytes]).toEqual(new Array(2 * ranks).fill(30 * 100 * elementBytes));
});

test("a schedule that does not fit is refused", () => {
  expect(() => simulateSchedule(ring, star(15), { elementBytes })).toThrow(/16 ranks on a network of 15/);
  const wrongs = [{ startSeconds: [0] }, { stepDelaySeconds: new Array(16).fill(-1) }];
  expect(() => simulateSchedule(ring, star(16), { elementBytes, ...wrongs[0] })).toThrow(/1 numbers for 16/);
  expect(() => simulateSchedule(ring, star(16), { elementBytes, ...wrongs[1] })).toThrow(/-1 for rank 0/);
});

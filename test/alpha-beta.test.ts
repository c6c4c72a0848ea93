import { test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import type { Schedule } from "../src/collectives/schedule.ts";
import { scheduleSeconds } from "../src/cost/alpha-beta.ts";
import {
  alpha,
  alphaInter,
  beta,
  betaInter,
  elementBytes,
  expectSeconds,
  links,
} from "./support/alpha-beta-links.ts";
import { request } from "./support/every-collective.ts";

const onOneNode = (schedule: Schedule) => scheduleSeconds(schedule, elementBytes, () => 0, links);

const rankCounts = Array.from({ length: 33 }, (_, index) => index + 1);
const powersOfTwo = [2, 4, 8, 16, 32, 64, 128];
const othersThanPowersOfTwo = rankCounts.filter((ranks) => !Number.isInteger(Math.log2(ranks)));
const lg = Math.log2;
/** P': the largest power of two. */
const core = (ranks: number) => 2 ** Math.floor(lg(ranks));

interface ClosedForm {
  readonly title: string;
  readonly over: readonly number[];
  /** Elements to send, where the formula needs them divisible. */
  readonly payload: (p: number) => number;
  readonly schedule: (p: number, n: number) => Schedule;
  readonly seconds: (p: number, n: number) => number;
}

// Oracles: Thakur, Rabenseifner, Gropp (2005), doi 10.1177/1094342005051521, with γ = 0; a = α, b = β per
// element. Fold, double binary tree and star: derived by hand, beside the row.
const closedForms: readonly ClosedForm[] = [
  {
    title: "a ring all-reduce takes 2(P − 1)(α + n/P β)",
    over: rankCounts,
    payload: (p) => 6 * p,
    schedule: (p, n) => buildSchedule("all-reduce", "ring", request(p, n)),
    seconds: (p, n) => 2 * (p - 1) * (alpha + (n / p) * beta),
  },
  {
    title: "recursive doubling takes lg P (α + nβ)",
    over: powersOfTwo,
    payload: () => 1000,
    schedule: (p, n) => buildSchedule("all-reduce", "recursive-doubling", request(p, n)),
    seconds: (p, n) => lg(p) * (alpha + n * beta),
  },
  {
    title: "recursive doubling folds other counts in 2α + 2nβ",
    over: othersThanPowersOfTwo,
    payload: () => 1000,
    schedule: (p, n) => buildSchedule("all-reduce", "recursive-doubling", request(p, n)),
    seconds: (p, n) => (lg(core(p)) + 2) * (alpha + n * beta),
  },
  {
    title: "Rabenseifner's all-reduce takes 2 lg P α + 2(P − 1)/P nβ",
    over: powersOfTwo,
    payload: (p) => 6 * p,
    schedule: (p, n) => buildSchedule("all-reduce", "rabenseifner", request(p, n)),
    seconds: (p, n) => 2 * lg(p) * alpha + 2 * ((p - 1) / p) * n * beta,
  },
  {
    title: "Rabenseifner's all-reduce folds other counts in 2α + 2nβ",
    over: othersThanPowersOfTwo,
    payload: (p) => 6 * core(p),
    schedule: (p, n) => buildSchedule("all-reduce", "rabenseifner", request(p, n)),
    seconds: (p, n) => (2 * lg(core(p)) + 2) * alpha + (2 * ((core(p) - 1) / core(p)) + 2) * n * beta,
  },
  {
    title: "a binomial tree takes 2⌈lg P⌉(α + nβ)",
    over: rankCounts,
    payload: () => 1000,
    schedule: (p, n) => buildSchedule("all-reduce", "binomial-tree", request(p, n)),
    seconds: (p, n) => 2 * Math.ceil(lg(p)) * (alpha + n * beta),
  },
  {
    // Up: in lg P − 1 steps two halves meet at a parent's port, α + nβ; the root has one child, α + nβ/2.
    // Down is the mirror image, and the two trees use opposite directions of the ports.
    title: "a double binary tree without pipelining takes 2 lg P α + (2 lg P − 1) nβ",
    over: powersOfTwo,
    payload: () => 1000,
    schedule: (p, n) => buildSchedule("all-reduce", "double-binary-tree", request(p, n)),
    seconds: (p, n) => 2 * lg(p) * alpha + (2 * lg(p) - 1) * n * beta,
  },
  {
    // P − 1 vectors queue at the server's receiving port, then at its sending port.
    title: "a star takes 2α + 2(P − 1) nβ",
    over: rankCounts.slice(1),
    payload: () => 1000,
    schedule: (p, n) => buildSchedule("all-reduce", "star", request(p, n)),
    seconds: (p, n) => 2 * alpha + 2 * (p - 1) * n * beta,
  },
  {
    title: "a ring reduce-scatter takes (P − 1)(α + n/P β)",
    over: rankCounts,
    payload: (p) => 6 * p,
    schedule: (p, n) => buildSchedule("reduce-scatter", "ring", request(p, n)),
    seconds: (p, n) => (p - 1) * (alpha + (n / p) * beta),
  },
  {
    title: "recursive halving takes lg P α + (P − 1)/P nβ",
    over: powersOfTwo,
    payload: (p) => 6 * p,
    schedule: (p, n) => buildSchedule("reduce-scatter", "recursive-halving", request(p, n)),
    seconds: (p, n) => lg(p) * alpha + ((p - 1) / p) * n * beta,
  },
  {
    title: "a ring all-gather of n/P elements takes (P − 1)(α + n/P β)",
    over: rankCounts,
    payload: () => 6,
    schedule: (p, n) => buildSchedule("all-gather", "ring", request(p, n)),
    seconds: (p, n) => (p - 1) * (alpha + n * beta),
  },
  {
    title: "Bruck's all-gather of n/P elements takes ⌈lg P⌉ α + (P − 1)/P nβ",
    over: rankCounts,
    payload: () => 6,
    schedule: (p, n) => buildSchedule("all-gather", "bruck", request(p, n)),
    seconds: (p, n) => Math.ceil(lg(p)) * alpha + (p - 1) * n * beta,
  },
  {
    title: "an all-gather of n/P elements by recursive doubling takes lg P α + (P − 1)/P nβ",
    over: powersOfTwo,
    payload: () => 6,
    schedule: (p, n) => buildSchedule("all-gather", "recursive-doubling", request(p, n)),
    seconds: (p, n) => lg(p) * alpha + (p - 1) * n * beta,
  },
  {
    title: "a binomial broadcast takes ⌈lg P⌉(α + nβ)",
    over: rankCounts,
    payload: () => 1000,
    schedule: (p, n) => buildSchedule("broadcast", "binomial", request(p, n)),
    seconds: (p, n) => Math.ceil(lg(p)) * (alpha + n * beta),
  },
];

for (const { title, over, payload, schedule, seconds } of closedForms) {
  test(title, () => {
    for (const p of over) {
      expectSeconds(onOneNode(schedule(p, payload(p))), seconds(p, payload(p)), `${p} ranks`);
    }
  });
}

// Oracle: the same closed forms inside a node of g ranks and between N nodes on n/g elements.
test("two levels take 2(g − 1)(α_i + n/g β_i) + 2(N − 1)(α_e + n/(gN) β_e)", () => {
  for (const [nodes, perNode] of [
    [1, 8],
    [8, 1],
    [2, 8],
    [4, 3],
  ] as const) {
    const n = 6 * nodes * perNode;
    const schedule = buildSchedule("all-reduce", "two-level", request(nodes * perNode, n, perNode));
    const got = scheduleSeconds(schedule, elementBytes, (rank) => Math.floor(rank / perNode), links);
    const inside = 2 * (perNode - 1) * (alpha + (n / perNode) * beta);
    const between = 2 * (nodes - 1) * (alphaInter + (n / (perNode * nodes)) * betaInter);
    expectSeconds(got, inside + between, `${nodes} nodes of ${perNode}`);
  }
});

// Oracle: each step of a ring over two nodes has a message that crosses.
test("a ring over several nodes goes at the pace of its slowest link", () => {
  const schedule = buildSchedule("all-reduce", "ring", request(16, 96));
  const got = scheduleSeconds(schedule, elementBytes, (rank) => Math.floor(rank / 8), links);
  expectSeconds(got, 30 * (alphaInter + 6 * betaInter), "two nodes of 8");
});

import { allGatherAlgorithms, allReduceAlgorithms } from "../../src/collectives/algorithms.ts";
import { refuseIdleFaults } from "../../src/engine/idle-faults.ts";
import { syntheticWorkload } from "../../src/engine/workload.ts";
import { ScenarioError } from "../../src/errors.ts";
import { implementations } from "../../src/normalizers/implementations.ts";
import { inconsistencies } from "../../src/scenario/consistency.ts";
import { implementationNames } from "../../src/scenario/implementation-names.ts";
import { isDiscord } from "../../src/scenario/injected-fault.ts";
import { resolveScenario } from "../../src/scenario/resolution.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";
import { readDraft } from "../../src/scenario/schema.ts";
import { soundFields } from "../../src/scenario/sound-fields.ts";
import { type Draw, drawsFrom } from "../support/mutation.ts";

/** A scenario of a campaign, as written, and where it runs. */
export interface Trial {
  readonly fields: Readonly<Record<string, unknown>>;
  /** 0: in this process. */
  readonly threads: number;
}

type Fault = Readonly<Record<string, unknown>> & { readonly kind: string };

const oneOf = <T>(draw: Draw, choices: readonly T[]): T => choices[draw(choices.length)]!;
const chance = (draw: Draw, percent: number): boolean => draw(100) < percent;

/** Faults of any host. Those that take a deadline or a heap to end are rare, and only where a thread can be ended. */
const anywhere = [
  ...["throw", "slow", "late-start", "nan", "inf"],
  ...["wrong-order", "wrong-size", "wrong-group", "early-return", "dropped-message"],
] as const;
const onThreads = [...anywhere, "exit", "exit"] as const;
const costly = ["stall", "exhaust-memory"] as const;

/** Draws of a trial: the generator's first ones hardly depend on a small seed. */
export function drawsOf(seed: number): Draw {
  const draw = drawsFrom(seed * 104_729);
  for (let i = 0; i < 4; i++) draw(2);
  return draw;
}

/**
 * A random scenario with no, one or two random faults that it can have. Of two ranks at odds with their peers a small group could
 * not tell which are right.
 */
export async function drawTrial(draw: Draw): Promise<Trial> {
  const threads = chance(draw, 15) ? 2 + draw(2) : 0;
  const fields = drawScenario(draw);
  for (;;) {
    const faults = Array.from({ length: oneOf<number>(draw, [0, 1, 1, 1, 2]) }, () =>
      drawFault(draw, fields, threads > 0),
    );
    // A lost message on threads, as a stall, is seen at the deadline alone.
    const isLong = threads > 0 && faults.some(({ kind }) => kind === "stall" || kind === "dropped-message");
    const trial = { fields: { ...fields, faults, deadline: isLong ? "2s" : "60s" }, threads };
    const scenario = scenarioOf(trial.fields);
    if (scenario !== null && (await canHappen(scenario))) return trial;
  }
}

/**
 * What a trial's fields mean, or null if its faults do not fit; as `parseScenario`, without a text to read.
 *
 * @throws Error if the campaign drew anything else that is not sound.
 */
export function scenarioOf(fields: Trial["fields"]): Scenario | null {
  const { draft, findings } = readDraft(fields);
  const wrong = [...findings, ...inconsistencies(soundFields(fields))];
  if (wrong.some(({ path }) => path[0] !== "faults")) throw new Error(JSON.stringify(wrong));
  return wrong.length > 0 || draft === undefined ? null : resolveScenario(draft);
}

async function canHappen(scenario: Scenario): Promise<boolean> {
  if (scenario.faults.filter(isDiscord).length > 1) return false;
  try {
    refuseIdleFaults(await syntheticWorkload(scenario));
    return true;
  } catch (error) {
    if (error instanceof ScenarioError) return false;
    throw error;
  }
}

function drawScenario(draw: Draw) {
  const ranks = 2 + draw(5);
  const samples = Array.from({ length: ranks }, () => (chance(draw, 10) ? 0 : 2 + draw(3)));
  if (!samples.some((count) => count > 0)) samples[0] = 2;
  const isUneven = samples.includes(0);
  const libraries = implementationNames.filter(
    (name) => !isUneven || implementations[name].emptyRank === "joins",
  );
  const normalizers = Array.from({ length: 1 + draw(3) }, (_, index) => {
    const name = `${index}`;
    if (index > 0 && chance(draw, 25))
      return { name, type: oneOf(draw, ["layer-norm", "rms-norm", "instance-norm"]) };
    const group = oneOf<string | number>(draw, ["rank", "world", "world", "node", 2, Math.min(3, ranks)]);
    const implementation = oneOf(draw, libraries);
    return { name, type: "batch-norm", group, implementation, buffers: drawBuffers(draw) };
  });
  return {
    name: "trial",
    seed: draw(1e6),
    mesh: { data: ranks },
    data: { source: "gaussian", samples, channels: 1 + draw(8), positions: [1 + draw(4)] },
    normalizers,
    backward: chance(draw, 85),
    trainingSteps: 1 + draw(3),
    accumulation: oneOf<number>(draw, [1, 1, 2]),
    algorithms: {
      allReduce: oneOf(draw, allReduceAlgorithms),
      allGather: oneOf(draw, allGatherAlgorithms),
    },
    ...(chance(draw, 30) ? { evaluation: { batches: 1 + draw(2) } } : {}),
  };
}

const drawBuffers = (draw: Draw): string => (chance(draw, 20) ? "broadcast" : "per-rank");

function drawFault(draw: Draw, fields: ReturnType<typeof drawScenario>, hasThreads: boolean): Fault {
  const kinds: readonly string[] = hasThreads ? (chance(draw, 6) ? costly : onThreads) : anywhere;
  const kind = oneOf(draw, kinds);
  const { mesh, trainingSteps, data } = fields;
  const rank = draw(mesh.data);
  const trainingStep = draw(trainingSteps);
  const phase = fields.backward ? oneOf(draw, ["forward", "backward"]) : "forward";
  const delay = `${1 + draw(20)}ms`;
  if (kind === "late-start") return { kind, rank, delay };
  if (kind === "nan" || kind === "inf")
    return { kind, rank, trainingStep, sample: 0, channel: draw(data.channels) };
  return { kind, rank, trainingStep, phase, ...(kind === "slow" ? { delay } : {}) };
}

import { assert } from "../assert.ts";
import type { RankViews } from "../engine/arena-views.ts";
import type { CompletedPass } from "../engine/coordinator.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Mesh } from "../scenario/scenario.ts";
import type { Subject } from "./subject.ts";
import { gaussianData, runTrial } from "./trial.ts";

/** Added to one element; activations have standard deviation 1. */
const perturbation = 0.5;

/** Ranks by ranks: element [i][j] is 1 if what rank i computes depends on what rank j holds, else 0. */
export interface Dependency {
  /** y on x. */
  readonly forward: readonly (readonly number[])[];
  /** dx on x, with dy held. */
  readonly backward: readonly (readonly number[])[];
}

/** What a run shows of a normaliser. */
export interface Evidence {
  readonly dependency: Dependency;
  /** Messages that all ranks moved in one training step, from the ledger. */
  readonly messages: number;
  /** Bytes of these messages. */
  readonly wireBytes: number;
}

/**
 * Run a normaliser, then once for every rank with one element of that rank's x changed, and compare
 * every rank's y and dx with the first pass, bit for bit.
 *
 * All passes are one scenario, whose normalisers are copies of the subject: x is changed between passes.
 *
 * @throws ScenarioError if the mesh is refused.
 */
export async function findEvidence({ name, entry }: Subject, mesh: Mesh): Promise<Evidence> {
  const worldSize = mesh.data * mesh.tensor * mesh.sequence;
  const outcomes: Outcome[][] = [];
  const normalizers = [
    { name, ...entry },
    ...Array.from({ length: worldSize }, (_, rank) => ({ name: `rank ${rank} changed`, ...entry })),
  ];
  const change = changer();
  const { normalizers: records } = await runTrial(
    { mesh, data: gaussianData(mesh), normalizers },
    ({ ranks, normalizer }: CompletedPass) => {
      outcomes.push(ranks.map(({ y, dx }) => ({ y: y.slice(), dx: dx.slice() })));
      change(ranks, normalizer);
    },
  );
  const [unchanged, ...changed] = outcomes;
  assert(
    changed.length === worldSize && unchanged!.length === worldSize,
    `${outcomes.length} passes for ${worldSize} ranks`,
  );
  const matrix = (of: keyof Outcome): number[][] =>
    unchanged!.map((own, i) => changed.map((pass) => (haveSameBits(own[of], pass[i]![of]) ? 0 : 1)));
  const entries = records[0]!.collectives.flatMap((collective) => collective.entries);
  return {
    dependency: { forward: matrix("y"), backward: matrix("dx") },
    messages: entries.reduce((sum, { messagesSent }) => sum + messagesSent, 0),
    wireBytes: entries.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
  };
}

interface Outcome {
  readonly y: FloatArray;
  readonly dx: FloatArray;
}

/** Before the pass after `normalizer`, undo the last change and change one element of the rank of that number. */
function changer(): (ranks: readonly RankViews[], normalizer: number) => void {
  let undo = (): void => {};
  return (ranks, normalizer) => {
    undo();
    const x = ranks[normalizer]?.x;
    if (x === undefined) return;
    const before = x[0]!;
    x[0] = before + perturbation;
    undo = () => {
      x[0] = before;
    };
  };
}

function haveSameBits(a: FloatArray, b: FloatArray): boolean {
  return a.every((value, index) => Object.is(value, b[index]));
}

import { type Fault, ScenarioError } from "../errors.ts";
import type { Mesh } from "../scenario/scenario.ts";
import { didYouMean } from "../scenario/suggestion.ts";

/** Every rank is perturbed in turn, and has a column in a terminal. */
const ranksMaximum = 32;
const axes = ["data", "tensor", "sequence"] as const;

/**
 * A mesh from `data=4,tensor=1,sequence=1`; axes that are left out are 1.
 *
 * @throws ScenarioError with everything that is wrong with it.
 */
export function parseMesh(text: string): Mesh {
  const mesh: Record<string, number> = {};
  const messages: string[] = [];
  for (const part of text.split(",")) {
    const [axis = "", ways = ""] = part.split("=").map((word) => word.trim());
    if (!axes.some((known) => known === axis))
      messages.push(
        `expected an axis such as data=4 (${axes.join(", ")}), got ${JSON.stringify(part)}${didYouMean(axis, axes)}`,
      );
    else if (Object.hasOwn(mesh, axis)) messages.push(`expected ${axis} once, got it twice`);
    else if (!/^[1-9]\d*$/.test(ways) || part.split("=").length > 2)
      messages.push(
        `expected a whole number from 1 for ${axis}, as in ${axis}=4, got ${JSON.stringify(part)}`,
      );
    else mesh[axis] = Number(ways);
  }
  const { data = 1, tensor = 1, sequence = 1 } = mesh;
  const ranks = data * tensor * sequence;
  if (ranks > ranksMaximum)
    messages.push(`expected at most ${ranksMaximum} ranks, because each is perturbed in turn, got ${ranks}`);
  const faults = messages.map((message): Fault => ({ file: "normsim explain", path: "--mesh", message }));
  if (faults.length > 0) throw new ScenarioError(faults);
  return { data, tensor, sequence };
}

/** `data=4`, `data=2,tensor=2`: the axes that are sharded, or `one rank`. */
export function meshName(mesh: Mesh): string {
  const sharded = axes.filter((axis) => mesh[axis] > 1);
  return sharded.length === 0 ? "one rank" : sharded.map((axis) => `${axis}=${mesh[axis]}`).join(",");
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CompletedPass } from "../engine/coordinator.ts";
import { encodeNpy } from "../scenario/npy.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** A name as a file name: lower case, anything but letters and digits a hyphen. */
export function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, "") || "unnamed"
  );
}

/** Folder names for the normalisers of a scenario; names that slug alike get a number. */
export function dumpFolders({ normalizers }: Scenario): string[] {
  const taken = new Set<string>();
  return normalizers.map(({ name }) => {
    let folder = slug(name);
    for (let n = 2; taken.has(folder); n++) folder = `${slug(name)}-${n}`;
    taken.add(folder);
    return folder;
  });
}

/**
 * Write a pass as .npy files, `<normaliser>/rank<r>.{y,dx,dweight,dbias,running_mean,running_var}.npy`:
 * y and dx [N, C, ...positions] of what the rank holds, in the scenario's storage type, the rest [C] in float64. Files of a
 * backward pass or of running statistics exist where there are any.
 */
export function dumpPass(
  folder: string,
  pass: CompletedPass,
  scenario: Scenario,
  positionExtents: readonly number[],
): void {
  const spec = scenario.normalizers[pass.normalizer]!;
  const target = join(folder, dumpFolders(scenario)[pass.normalizer]!);
  mkdirSync(target, { recursive: true });
  for (const [rank, views] of pass.ranks.entries()) {
    const { samples, channels, positions } = views.extent;
    const [outer, ...inner] = positionExtents;
    const positionsPerRow = inner.reduce((product, extent) => product * extent, 1);
    const write = (name: string, data: Float32Array | Float64Array, shape: readonly number[]): void => {
      writeFileSync(join(target, `rank${rank}.${name}.npy`), encodeNpy(data, shape));
    };
    const shape = [samples, channels];
    if (outer !== undefined) shape.push(positions / positionsPerRow, ...inner);
    write("y", views.y, shape);
    if (scenario.backward) {
      write("dx", views.dx, shape);
      write("dweight", views.dWeight, [channels]);
      write("dbias", views.dBias, [channels]);
    }
    if ("momentum" in spec) {
      write("running_mean", views.runningMean[pass.normalizer]!, [channels]);
      write("running_var", views.runningVariance[pass.normalizer]!, [channels]);
    }
  }
}

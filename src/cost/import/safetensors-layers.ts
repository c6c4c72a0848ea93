import { FormatError } from "../../scenario/format-error.ts";
import type { TensorEntry } from "../../scenario/safetensors-header.ts";
import type { ImportedLayers } from "./imported-layers.ts";

const suffix = ".running_mean";

/**
 * The batch normalisations of saved weights: modules with a running mean, which nothing else has.
 *
 * @throws FormatError if there are none.
 */
export function safetensorsLayers(tensors: ReadonlyMap<string, TensorEntry>): ImportedLayers {
  const layers = [...tensors]
    .filter(([name, { shape }]) => name.endsWith(suffix) && shape.length === 1 && shape[0]! > 0)
    .map(([key, { shape }]) => {
      const name = key.slice(0, -suffix.length).replace(/[^ -~]/g, "?");
      const weights = ["weight", "bias"].filter((it) => tensors.has(`${key.slice(0, -suffix.length)}.${it}`));
      const [channels = 1] = shape;
      const parameters = weights.length * channels;
      return { name, kind: "batch-norm" as const, channels, positions: null, parameters, forwardFlops: 0 };
    });
  if (layers.length === 0)
    throw new FormatError(
      `expected tensors such as bn1${suffix}, which batch normalisation keeps, got none among ${tensors.size}`,
    );
  const notes = [
    "weights do not say how many positions a layer sees: give each its positions, height x width of its output",
    "in the order of the file, which may not be that of the forward pass; other layers are left out, so that " +
      "normsim estimate needs --step-time",
  ];
  return { layers, notes };
}

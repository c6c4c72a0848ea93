import { ScenarioError } from "../../errors.ts";
import { readDocument } from "../../scenario/document.ts";
import { name, read, section, z } from "../../scenario/schema-language.ts";
import type { Layer, LayerKind, ModelLayers } from "../models/model.ts";
import type { ImportedLayers } from "./imported-layers.ts";

const kinds = [
  ...["convolution", "depthwise-convolution", "linear", "attention", "embedding", "batch-norm"],
  ...[
    "frozen-batch-norm",
    "layer-norm",
    "activation",
    "pooling",
    "add",
    "multiply",
    "concatenate",
    "upsample",
  ],
] as readonly LayerKind[];

const count = z
  .number()
  .int()
  .min(0)
  .max(2 ** 40);
const extent = z
  .int()
  .min(1)
  .max(2 ** 24);

const document = section({
  name,
  layers: z
    .array(
      section({
        name: z.string().min(1).max(1000),
        kind: z.enum(kinds),
        channels: extent,
        positions: extent,
        inputElements: count.exactOptional(),
        parameters: count.default(0),
        forwardFlops: z.number().min(0).max(1e18).default(0),
        isFrozen: z.boolean().default(false),
      }),
    )
    .min(1),
});

/**
 * Read layers for an estimate: what `normsim import` prints, or written by hand, in the order of the forward pass.
 *
 * @throws ScenarioError with every fault there is.
 */
export function parseLayers(text: string, file: string): ModelLayers {
  const written = readDocument(text, file);
  const { data, findings } = read(document, written.value);
  const faults = [
    ...written.faults,
    ...findings.map(({ path, at, message }) => written.fault(path, at, message)),
  ];
  const names = new Set<string>();
  for (const [index, layer] of data?.layers.entries() ?? []) {
    if (names.has(layer.name))
      faults.push(
        written.fault(["layers", index, "name"], "value", "expected a name of its own, got one twice"),
      );
    names.add(layer.name);
  }
  if (data !== undefined && !data.layers.some(({ kind }) => kind === "batch-norm"))
    faults.push(written.fault(["layers"], "value", "expected a layer of kind batch-norm, got none"));
  if (faults.length > 0 || data === undefined) throw new ScenarioError(faults);
  const layers = data.layers.map((layer): Layer => {
    const outputElements = layer.channels * layer.positions;
    return { ...layer, outputElements, inputElements: layer.inputElements ?? outputElements };
  });
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  return { name: data.name, layers, parameters };
}

/** The text that `parseLayers` reads, one layer a line; it is JSON. */
export function layersText(title: string, { layers }: ImportedLayers): string {
  const lines = layers.map((layer) => `    ${JSON.stringify(layer)}`);
  return `{\n  "name": ${JSON.stringify(title)},\n  "layers": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

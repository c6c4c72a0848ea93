import { FormatError } from "../../scenario/format-error.ts";
import type { LayerKind } from "../models/model.ts";
import type { ImportedLayer, ImportedLayers } from "./imported-layers.ts";
import type { OnnxGraph, OnnxNode } from "./onnx-graph.ts";
import { inferShapes } from "./onnx-shapes.ts";

/** Operations that read and write every element, and have no product with weights to count. */
const elementwise: Readonly<Record<string, LayerKind>> = {
  ...{ BatchNormalization: "batch-norm", LayerNormalization: "layer-norm" },
  ...{
    Relu: "activation",
    LeakyRelu: "activation",
    PRelu: "activation",
    Elu: "activation",
    Clip: "activation",
  },
  ...{ Sigmoid: "activation", HardSigmoid: "activation", HardSwish: "activation", Tanh: "activation" },
  ...{ Erf: "activation", Gelu: "activation", Softplus: "activation", Softmax: "activation" },
  ...{ MaxPool: "pooling", AveragePool: "pooling", GlobalAveragePool: "pooling", GlobalMaxPool: "pooling" },
  ...{ Add: "add", Sub: "add", Mul: "multiply", Div: "multiply", Concat: "concatenate" },
  ...{ Resize: "upsample", Upsample: "upsample" },
};

/** Operations that move no data, or none worth counting. */
const free = new Set([
  ...["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Constant", "ConstantOfShape"],
  ...["Shape", "Gather", "Slice", "Cast", "Transpose", "Split", "Expand", "Pad"],
]);

/**
 * The layers of an ONNX model in the order of its forward pass, as `estimate` counts them.
 *
 * @throws FormatError if the shape of a layer is not in the file, or there is no BatchNormalization.
 */
export function onnxLayers(written: OnnxGraph): ImportedLayers {
  const graph = inferShapes(written);
  const layers: ImportedLayer[] = [];
  const left = new Map<string, number>();
  const names = new Map<string, number>();
  const owned = new Set<string>();
  for (const node of graph.nodes) {
    if (free.has(node.operation)) continue;
    const work = workOf(node, graph);
    if (work === undefined) {
      left.set(node.operation, (left.get(node.operation) ?? 0) + 1);
      continue;
    }
    const parameters = trainedBy(node, graph).filter((name) => !owned.has(name));
    for (const name of parameters) owned.add(name);
    const name = nameOf(node);
    const seen = names.get(name) ?? 0;
    names.set(name, seen + 1);
    const layer = layerOf(node, graph, work);
    const total = parameters.reduce((sum, parameter) => sum + product(graph.parameters.get(parameter)!), 0);
    layers.push({ name: seen === 0 ? name : `${name}[${seen}]`, ...layer, parameters: total });
  }
  if (!layers.some(({ kind }) => kind === "batch-norm"))
    throw new FormatError(
      "expected a model with BatchNormalization, got none; torch.onnx.export folds it away " +
        "unless training=TrainingMode.TRAINING and do_constant_folding=False",
    );
  return { layers, notes: [...left].map(([operation, calls]) => `not counted: ${calls} of ${operation}`) };
}

interface Work {
  readonly kind: LayerKind;
  /** Of one position of the output, or of the input where a convolution is transposed. */
  readonly flopsPerPosition: number;
  readonly isTransposed?: boolean;
}

/** What a node computes; undefined: nothing that is counted. */
function workOf({ operation, inputs, integers }: OnnxNode, { parameters }: OnnxGraph): Work | undefined {
  const weight = parameters.get(inputs[1] ?? "");
  if (operation === "Conv" || operation === "ConvTranspose") {
    if (weight === undefined) return undefined;
    const groups = integers.get("group")?.[0] ?? 1;
    const isDepthwise = operation === "Conv" && groups > 1 && weight[1] === 1 && weight[0] === groups;
    const kind = isDepthwise ? "depthwise-convolution" : "convolution";
    return { kind, flopsPerPosition: 2 * product(weight), isTransposed: operation === "ConvTranspose" };
  }
  if (operation === "Gemm" || operation === "MatMul")
    return weight?.length === 2 ? { kind: "linear", flopsPerPosition: 2 * product(weight) } : undefined;
  const kind = Object.hasOwn(elementwise, operation) ? elementwise[operation] : undefined;
  return kind && { kind, flopsPerPosition: 0 };
}

function layerOf(
  node: OnnxNode,
  graph: OnnxGraph,
  { kind, flopsPerPosition, isTransposed = false }: Work,
): Omit<ImportedLayer, "name" | "parameters"> {
  const isLast = kind === "linear" || kind === "layer-norm";
  const { channels, positions } = shapeOf(node.outputs[0], node, graph, isLast);
  const activations = node.inputs.filter((name) => name !== "" && graph.activations.has(name));
  const inputs = activations
    .filter((name) => !graph.parameters.has(name))
    .map((name) => shapeOf(name, node, graph, isLast));
  const own = isTransposed ? (inputs[0]?.positions ?? positions) : positions;
  const inputElements = inputs.reduce((sum, it) => sum + it.channels * it.positions, 0);
  return { kind, channels, positions, inputElements, forwardFlops: flopsPerPosition * own };
}

/** [N, C, ...positions], or [N, ...tokens, C] where the channels are last. */
function shapeOf(
  activation: string | undefined,
  { operation, name, inputs, outputs }: OnnxNode,
  { activations, parameters }: OnnxGraph,
  isChannelsLast: boolean,
): { readonly channels: number; readonly positions: number } {
  // Batch normalisation keeps the shape: either side will do.
  const known = operation === "BatchNormalization" ? [inputs[0], outputs[0]] : [activation];
  const extents = known.map((it) => activations.get(it ?? "")).find((shape) => shape !== undefined);
  const [, ...own] = extents ?? [];
  const at = isChannelsLast ? own.length - 1 : 0;
  const channels = operation === "BatchNormalization" ? parameters.get(inputs[1] ?? "")?.[0] : (own[at] ?? 1);
  const positions = product(own.filter((_, axis) => axis !== at));
  if (extents === undefined || !isCount(channels) || !isCount(positions) || !isCount(channels * positions))
    throw new FormatError(
      `the shape of ${operation} "${name}" does not follow from the file: run onnx.shape_inference.infer_shapes ` +
        "on it, with every extent but the batch given",
    );
  return { channels, positions };
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! >= 1;
}

/** Parameters that a gradient is sent for: running statistics have none. */
function trainedBy({ operation, inputs }: OnnxNode, { parameters }: OnnxGraph): string[] {
  const trained = operation === "BatchNormalization" ? inputs.slice(1, 3) : inputs.slice(1);
  const isWeighted = !["Clip", "Resize", "Upsample"].includes(operation);
  return isWeighted ? [...new Set(trained)].filter((name) => parameters.has(name)) : [];
}

/** The module's name, where the exporter left it in its parameters': `layer1.0.bn1`. */
function nameOf({ name, operation, inputs, outputs }: OnnxNode): string {
  const weight = inputs.find((input) => input.endsWith(".weight") || input.endsWith(".running_mean"));
  return weight?.replace(/\.(weight|running_mean)$/, "") || name || outputs[0] || operation;
}

function product(extents: readonly number[]): number {
  return extents.reduce((total, extent) => total * extent, 1);
}

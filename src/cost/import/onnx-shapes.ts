import type { OnnxGraph, OnnxNode } from "./onnx-graph.ts";

type Extents = readonly number[];

/** Operations whose output has the shape of their first input. */
const shapeKeeping = new Set([
  ...[
    "BatchNormalization",
    "LayerNormalization",
    "Identity",
    "Dropout",
    "Cast",
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Elu",
  ],
  ...[
    "Clip",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Erf",
    "Gelu",
    "Softplus",
    "Softmax",
    "Pow",
    "Sqrt",
  ],
]);

/**
 * The shapes of all activations that follow from those in the file: exporters such as PyTorch's write those of
 * inputs and outputs only. An extent that nobody knows is NaN, such as the batch's.
 *
 * @see https://onnx.ai/onnx/operators for the formulas.
 */
export function inferShapes(graph: OnnxGraph): OnnxGraph {
  const activations = new Map(graph.activations);
  const shapeOf = (name: string | undefined): Extents | undefined =>
    name === undefined ? undefined : (activations.get(name) ?? graph.parameters.get(name));
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    if (output === undefined || activations.has(output)) continue;
    const inputs = node.inputs.map(shapeOf);
    const extents = inputs[0] && outputExtents(node, inputs[0], inputs);
    if (extents !== undefined) activations.set(output, extents);
  }
  return { ...graph, activations };
}

function outputExtents(
  node: OnnxNode,
  x: Extents,
  inputs: readonly (Extents | undefined)[],
): Extents | undefined {
  const { operation, integers } = node;
  const [batch = Number.NaN, channels = 1, ...spatial] = x;
  const weight = inputs[1];
  const number = (key: string, otherwise: number): number => integers.get(key)?.[0] ?? otherwise;
  if (shapeKeeping.has(operation)) return x;
  switch (operation) {
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return weight && broadcast([x, weight]);
    case "Conv":
      return weight && [batch, weight[0]!, ...slide(node, spatial, weight.slice(2))];
    case "ConvTranspose":
      return weight && [batch, weight[1]! * number("group", 1), ...unslide(node, spatial, weight.slice(2))];
    case "MaxPool":
    case "AveragePool":
      return [batch, channels, ...slide(node, spatial, integers.get("kernel_shape") ?? [])];
    case "GlobalAveragePool":
    case "GlobalMaxPool":
      return [batch, channels, ...spatial.map(() => 1)];
    case "Flatten":
      return number("axis", 1) === 1 ? [batch, [channels, ...spatial].reduce((a, b) => a * b, 1)] : undefined;
    case "Gemm":
      return weight && [batch, weight[number("transB", 0) === 1 ? 0 : 1]!];
    case "MatMul":
      return weight?.length === 2 ? [...x.slice(0, -1), weight[1]!] : undefined;
    case "Concat":
      return concatenated(x, inputs, number("axis", 1));
    case "Transpose":
      return integers.get("perm")?.map((axis) => x[axis] ?? Number.NaN);
    default:
      return undefined;
  }
}

function broadcast(inputs: readonly Extents[]): Extents {
  const axes = Math.max(...inputs.map((it) => it.length));
  return Array.from({ length: axes }, (_, axis) => {
    const own = inputs.map((it) => it[axis - axes + it.length] ?? 1);
    return own.reduce((a, b) => (Number.isNaN(b) || b > a ? b : a));
  });
}

function concatenated(x: Extents, inputs: readonly (Extents | undefined)[], written: number): Extents {
  const axis = written < 0 ? written + x.length : written;
  const total = inputs.reduce((sum, it) => sum + (it?.[axis] ?? Number.NaN), 0);
  return x.map((extent, i) => (i === axis ? total : extent));
}

/** Windows that slide over each axis: ⌊(in + pads − dilation·(kernel − 1) − 1)/stride⌋ + 1. */
function slide({ integers }: OnnxNode, spatial: Extents, kernel: Extents): Extents {
  const round = integers.get("ceil_mode")?.[0] === 1 ? Math.ceil : Math.floor;
  return spatial.map((extent, axis) => {
    const at = (key: string, otherwise: number): number => integers.get(key)?.[axis] ?? otherwise;
    const stride = at("strides", 1);
    if (integers.get("auto_pad")?.[0] === 1) return Math.ceil(extent / stride);
    const pads = at("pads", 0) + (integers.get("pads")?.[axis + spatial.length] ?? 0);
    return round((extent + pads - at("dilations", 1) * ((kernel[axis] ?? 1) - 1) - 1) / stride) + 1;
  });
}

/** The other way: stride·(in − 1) + output_padding + dilation·(kernel − 1) + 1 − pads. */
function unslide({ integers }: OnnxNode, spatial: Extents, kernel: Extents): Extents {
  return spatial.map((extent, axis) => {
    const at = (key: string, otherwise: number): number => integers.get(key)?.[axis] ?? otherwise;
    if (integers.get("auto_pad")?.[0] === 1) return extent * at("strides", 1);
    const pads = at("pads", 0) + (integers.get("pads")?.[axis + spatial.length] ?? 0);
    const reach = at("dilations", 1) * ((kernel[axis] ?? 1) - 1) + 1;
    return at("strides", 1) * (extent - 1) + at("output_padding", 0) + reach - pads;
  });
}

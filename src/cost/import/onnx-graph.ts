import { FormatError } from "../../scenario/format-error.ts";
import { type ByteSource, type Field, ProtobufReader } from "./protobuf.ts";

/** A call in the graph, with its attributes that are whole numbers, one or a list; auto_pad is [1] for the SAME kinds. */
export interface OnnxNode {
  readonly name: string;
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly integers: ReadonlyMap<string, readonly number[]>;
}

/** What normsim needs of an ONNX model: no weights, shapes only. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  /** Extents of parameters. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** Extents of activations, inputs and outputs; NaN where they have a name instead, such as a batch. */
  readonly activations: ReadonlyMap<string, readonly number[]>;
  /** Inputs that are no parameters. */
  readonly inputs: readonly string[];
}

const axesMaximum = 16;

/**
 * Read the graph of an ONNX model. The weights' bytes, in the file or outside, are not read.
 *
 * @throws FormatError if it is not one.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto for the numbers of the fields.
 */
export function readOnnxGraph(source: ByteSource): OnnxGraph {
  const reader = new ProtobufReader(source);
  const graph = reader.fields(0, source.byteCount).filter(({ number }) => number === 7);
  if (graph.length !== 1) throw new FormatError("expected an ONNX model, got a file without one graph");
  const nodes: OnnxNode[] = [];
  const parameters = new Map<string, readonly number[]>();
  const activations = new Map<string, readonly number[]>();
  const inputs: string[] = [];
  for (const field of reader.fields(graph[0]!.start, graph[0]!.end)) {
    if (field.number === 1) nodes.push(nodeOf(reader, field));
    else if (field.number === 5) parameters.set(...parameterOf(reader, field));
    else if (field.number === 11 || field.number === 12 || field.number === 13) {
      const [name, extents] = activationOf(reader, field);
      if (extents !== undefined) activations.set(name, extents);
      if (field.number === 11) inputs.push(name);
    }
  }
  return { nodes, parameters, activations, inputs: inputs.filter((name) => !parameters.has(name)) };
}

function nodeOf(reader: ProtobufReader, { start, end }: Field): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const integers = new Map<string, readonly number[]>();
  let [name, operation] = ["", ""];
  for (const field of reader.fields(start, end)) {
    if (field.number === 1) inputs.push(reader.text(field));
    else if (field.number === 2) outputs.push(reader.text(field));
    else if (field.number === 3) name = reader.text(field);
    else if (field.number === 4) operation = reader.text(field);
    else if (field.number === 5) {
      const [key, values] = attributeOf(reader, field);
      if (values !== undefined) integers.set(key, values);
    }
  }
  return { name, operation, inputs, outputs, integers };
}

/** An attribute, and its numbers if it is one that shapes depend on. */
function attributeOf(reader: ProtobufReader, { start, end }: Field): [string, readonly number[] | undefined] {
  const parts = reader.fields(start, end);
  const named = parts.find(({ number }) => number === 1);
  const name = named === undefined ? "" : reader.text(named);
  const [one] = parts.filter(({ number }) => number === 3);
  const list = parts.filter(({ number }) => number === 8).slice(0, 2 * axesMaximum);
  if (name === "auto_pad") {
    const text = parts.find(({ number }) => number === 4);
    return [name, text && [reader.text(text).startsWith("SAME") ? 1 : 0]];
  }
  if (!shapeAttributes.has(name)) return [name, undefined];
  if (one?.value !== undefined) return [name, [one.value]];
  const most = 2 * axesMaximum;
  return [name, list.flatMap((it) => (it.value === undefined ? reader.packed(it, most) : [it.value]))];
}

const shapeAttributes = new Set([
  ...["axis", "ceil_mode", "dilations", "group", "kernel_shape", "output_padding", "pads", "perm", "strides"],
  "transB",
]);

function parameterOf(reader: ProtobufReader, { start, end }: Field): [string, readonly number[]] {
  const dims: number[] = [];
  let name = "";
  for (const field of reader.fields(start, end)) {
    if (field.number === 8) name = reader.text(field);
    if (field.number === 1)
      dims.push(...(field.value === undefined ? reader.packed(field, axesMaximum) : [field.value]));
  }
  if (dims.length > axesMaximum || !dims.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    throw new FormatError(
      `expected extents of at most ${axesMaximum} axes for "${name}", got [${dims.slice(0, 20)}]`,
    );
  return [name, dims];
}

/** ValueInfoProto: a name, and a type that may be a tensor's, with a shape or without. */
function activationOf(reader: ProtobufReader, field: Field): [string, readonly number[] | undefined] {
  const within = (outer: Field | undefined, wanted: number): Field | undefined =>
    outer && reader.fields(outer.start, outer.end).find(({ number }) => number === wanted);
  const parts = reader.fields(field.start, field.end);
  const name = parts.find(({ number }) => number === 1);
  const type = parts.find(({ number }) => number === 2);
  const shape = within(within(type, 1), 2);
  const extents =
    shape &&
    reader.fields(shape.start, shape.end).map(({ start, end }) => {
      const value = reader.fields(start, end).find(({ number }) => number === 1)?.value;
      return value !== undefined && Number.isSafeInteger(value) && value >= 1 ? value : Number.NaN;
    });
  if (extents !== undefined && extents.length > axesMaximum)
    throw new FormatError(`expected at most ${axesMaximum} axes, got ${extents.length}`);
  return [name === undefined ? "" : reader.text(name), extents];
}

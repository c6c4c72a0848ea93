import type { CollectiveRecord, NormalizerRecord } from "../engine/simulation.ts";

/** One value inside a message, as it was in the run. */
export interface MovedValue {
  /** Its place in the vector. */
  readonly element: number;
  readonly sent: number;
  /** What the target had there before, and after. */
  readonly had: number;
  readonly has: number;
}

/** A message between two ranks. */
export interface FlowMessage {
  readonly source: number;
  readonly target: number;
  readonly bytes: number;
  readonly reduces: boolean;
  /** null: not among the values that the run sampled. */
  readonly value: MovedValue | null;
}

/** The first collective of a normaliser, step by step; messages of all its groups, which work at the same time. */
export interface Flow {
  readonly normalizer: string;
  readonly worldSize: number;
  /** null: the normaliser sends nothing. */
  readonly collective: {
    readonly pass: string;
    readonly operation: string;
    readonly algorithm: string;
    readonly payloadBytes: number;
  } | null;
  /** Of each sampled rank: the first value it contributes. */
  readonly contributions: readonly { readonly rank: number; readonly value: number }[];
  readonly steps: readonly (readonly FlowMessage[])[];
}

/** What the first training step's first collective moved. */
export function flowOf({ spec, collectives }: NormalizerRecord, worldSize: number): Flow {
  const first = collectives.find(({ group }) => group.index === 0) ?? collectives[0];
  if (first === undefined)
    return { normalizer: spec.name, worldSize, collective: null, contributions: [], steps: [] };
  const { schedule, shape, elementBytes } = first;
  const together = collectives.filter(
    ({ entries, trainingStep }) =>
      trainingStep === first.trainingStep && entries[0]!.sequence === first.entries[0]!.sequence,
  );
  const stepCount = Math.max(...together.map((record) => record.schedule.stepCount));
  return {
    normalizer: spec.name,
    worldSize,
    collective: {
      pass: shape.pass,
      operation: shape.operation,
      algorithm: schedule.algorithm,
      payloadBytes: schedule.elements * elementBytes,
    },
    contributions: contributionsOf(first),
    steps: Array.from({ length: stepCount }, (_, step) =>
      together.flatMap((record) => messagesOf(record, step)),
    ),
  };
}

function contributionsOf({ entries, group, shape }: CollectiveRecord): Flow["contributions"] {
  return entries.flatMap(({ sample }, index) => {
    const block = shape.operation === "all-gather" ? index : 0;
    const value = sample?.values[0]?.[block * shape.valuesPerElement];
    return value === undefined ? [] : [{ rank: group.ranks[index]!, value }];
  });
}

function messagesOf(
  { schedule, group, elementBytes, entries, shape }: CollectiveRecord,
  step: number,
): FlowMessage[] {
  const { stepStart, source, target, offset, length, reduces, elements, stepCount } = schedule;
  if (step >= stepCount) return [];
  const messages: FlowMessage[] = [];
  for (let i = stepStart[step]!; i < stepStart[step + 1]!; i++) {
    const [from, to] = [source[i]!, target[i]!];
    const isInside = (element: number): boolean => (element - offset[i]! + elements) % elements < length[i]!;
    messages.push({
      source: group.ranks[from]!,
      target: group.ranks[to]!,
      bytes: length[i]! * elementBytes,
      reduces: reduces[i] === 1,
      value: valueIn(entries[from]!.sample, entries[to]!.sample, step, shape.valuesPerElement, isInside),
    });
  }
  return messages;
}

type Sample = NonNullable<CollectiveRecord["entries"][number]["sample"]>;

function valueIn(
  source: Sample | undefined,
  target: Sample | undefined,
  step: number,
  valuesPerElement: number,
  isInside: (element: number) => boolean,
): MovedValue | null {
  if (source === undefined || target === undefined) return null;
  const block = source.elements.findIndex(isInside);
  if (block < 0) return null;
  const at = block * valuesPerElement;
  const [sent, had, has] = [
    source.values[step]?.[at],
    target.values[step]?.[at],
    target.values[step + 1]?.[at],
  ];
  if (sent === undefined || had === undefined || has === undefined) return null;
  return { element: source.elements[block]!, sent, had, has };
}

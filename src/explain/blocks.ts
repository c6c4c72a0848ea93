import type { Dependency } from "./dependency.ts";
import type { Explanation, NormalizerExplanation } from "./explain.ts";
import type { Figure } from "./reasons.ts";
import type { ToySet } from "./toy.ts";
import { meshName } from "./written-mesh.ts";

/** A part of a text for a person; who shows it breaks paragraphs and aligns tables. */
export type Block =
  | { readonly kind: "heading" | "paragraph"; readonly text: string }
  /** Shown as they are; each has at most 100 characters. */
  | { readonly kind: "lines"; readonly lines: readonly string[] }
  /** The first row is the heading; the first `leftCount` columns are words. */
  | { readonly kind: "table"; readonly rows: readonly (readonly string[])[]; readonly leftCount: number };

/** A part of an explanation before it is a text: maps that a drawing shows better than letters. */
export type Part = Block | ({ readonly kind: "dependency"; readonly name: string } & Dependency);

/** Lay out an explanation as text, every line written by `spell`. */
export function blocksOf(
  explanation: Explanation,
  spell: (text: string) => string = (text) => text,
): Block[] {
  return partsOf(explanation).map((block) => {
    if (block.kind === "dependency") return { kind: "lines", lines: mapLines(block).map(spell) };
    if (block.kind === "lines") return { ...block, lines: block.lines.map(spell) };
    if (block.kind === "table") return { ...block, rows: block.rows.map((row) => row.map(spell)) };
    return { ...block, text: spell(block.text) };
  });
}

/** What an explanation says, part by part. */
export function partsOf(explanation: Explanation): Part[] {
  return [
    paragraph(
      "A normaliser computes x̂ = (x − m)/√(v + ε) over an index set: the axes it reduces over. It communicates " +
        "exactly where one of these axes is sharded over ranks and its group spans those ranks.",
    ),
    ...explanation.normalizers.flatMap((normalizer, index) => [
      heading(`${normalizer.name} on ${meshName(explanation.mesh)}`),
      paragraph(normalizer.because),
      ...evidenceBlocks(normalizer),
      { kind: "lines", lines: explanation.toy[index]!.flatMap(toyLines) } as const,
    ]),
    ...meshBlocks(explanation),
    ...crossoverBlocks(explanation),
    ...reasonBlocks(explanation),
  ];
}

function evidenceBlocks({ name, messages, wireBytes, dependency, notRun }: NormalizerExplanation): Part[] {
  if (dependency === null) return [paragraph(`Not run: ${notRun}`)];
  const { forward, backward } = dependency;
  const isIdentity = [...forward, ...backward].every(
    (row, index) => row.reduce((sum, it) => sum + it, 0) === 1 && row[index % forward.length] === 1,
  );
  const verdict = isIdentity ? "no rank depends on another" : "ranks depend on each other";
  return [
    paragraph(
      `Measured: ${messages} messages, ${wireBytes} B in all, in a training step; ${verdict}. Row: whose y or dx ` +
        "changed; column: on which rank one element of x was changed.",
    ),
    { kind: "dependency", name, ...dependency },
  ];
}

function mapLines({ forward, backward }: Dependency): string[] {
  const map = (row: readonly number[]): string => row.map((it) => (it === 1 ? "█" : "·")).join("");
  const width = Math.max(7, forward.length);
  const rows = forward.map(
    (row, rank) => `${`rank ${rank}`.padStart(7)}  ${map(row).padEnd(width)}  ${map(backward[rank]!)}`,
  );
  return [`${"".padStart(7)}  ${"y of x".padEnd(width)}  dx of x`, ...rows];
}

/** One set, formula by formula with the values filled in. */
function toyLines({ label, values, mean, variance, epsilon, centres, xHat }: ToySet): string[] {
  const count = values.length;
  const m = number(mean);
  const v = number(variance);
  const squares = values.map((value) => (centres ? `(${value} − ${m})²` : `${value}²`)).join(" + ");
  const normalized = values.map((value, index) => {
    const numerator = centres ? `(${value} − ${m})` : `${value}`;
    return `x̂ = ${numerator}/√(${v} + ${number(epsilon)}) = ${number(xHat[index]!)}`;
  });
  if (count === 1)
    return [`${label}: ${centres ? `m = ${m}, ` : ""}v = ${squares} = ${v}, ${normalized[0]!}`];
  return [
    `${label}: ${values.join(", ")}`,
    ...(centres ? [`  m = (${values.join(" + ")})/${count} = ${m}`] : []),
    `  v = (${squares})/${count} = ${v}`,
    ...normalized.map((line) => `  ${line}`),
  ];
}

function meshBlocks({ meshes, normalizers }: Explanation): Block[] {
  const columns = [...new Set(meshes.map(({ mesh }) => meshName(mesh)))];
  const cell = (name: string, column: string): string => {
    const { rule, messages } = meshes.find((it) => it.name === name && meshName(it.mesh) === column)!;
    const says = rule.payloadBytes === 0 ? "nothing" : `${rule.payloadBytes} B`;
    return `${says}, ${messages === null ? "not run" : `ran: ${messages} messages`}`;
  };
  const talkers = columns.map((column) => {
    const names = meshes
      .filter(({ mesh, rule }) => meshName(mesh) === column && rule.collectives.length > 0)
      .map(({ name }) => name);
    return `on ${column}: ${names.join(", ") || "none of them"}`;
  });
  const refusals = new Set(
    meshes.flatMap(({ mesh, notRun }) => (notRun === null ? [] : [`${meshName(mesh)} not run: ${notRun}`])),
  );
  return [
    heading("When the claim fails: other meshes"),
    paragraph(
      `Data shards samples, tensor shards channels, sequence shards positions. By the rule these communicate: ` +
        `${talkers.join("; ")}. Cells: payload of each rank and step by the rule, and messages of all ranks in a run.`,
    ),
    {
      kind: "table",
      leftCount: columns.length + 1,
      rows: [
        ["", ...columns],
        ...normalizers.map(({ name }) => [name, ...columns.map((column) => cell(name, column))]),
      ],
    },
    paragraph(
      "Megatron-LM gets around sharded statistics: replicated, every tensor rank normalises whole tokens (nothing sent, " +
        "the work and the activations held once a rank); sequence-parallel, each whole ones of its own (nothing sent " +
        "but the sum of the weight gradients). Scenarios: tensorParallel.",
    ),
    ...[...refusals].map(paragraph),
  ];
}

function crossoverBlocks({ crossover }: Explanation): Block[] {
  const { channels, syncBatchNorm, rows, firstDearerTokens } = crossover;
  const synchronized = syncBatchNorm.forward + syncBatchNorm.backward;
  return [
    heading(`Payloads: sharded LayerNorm grows with tokens, SyncBN with channels (here ${channels})`),
    {
      kind: "table",
      leftCount: 0,
      rows: [
        ["tokens", "LN forward", "LN backward", "SyncBN forward", "SyncBN backward", "dearer"],
        ...rows.map(({ tokens, layerNorm: { forward, backward } }) => [
          `${tokens}`,
          `${forward} B`,
          `${backward} B`,
          `${syncBatchNorm.forward} B`,
          `${syncBatchNorm.backward} B`,
          forward + backward > synchronized ? "LN" : "SyncBN",
        ]),
      ],
    },
    paragraph(
      `From ${firstDearerTokens} tokens a rank sharded LayerNorm contributes more than SyncBN. Float32 bytes of one ` +
        "rank and layer, by the rule; not a run.",
    ),
  ];
}

function reasonBlocks({ reasons: { padding, oneToken, inference } }: Explanation): Block[] {
  const columns = oneToken.figures.map(({ name }) => name);
  const cells = (figures: readonly Figure[]): string[] =>
    figures.map(({ value }) => (value === null ? "keeps none" : number(value, 3)));
  const share = number(100 * padding.paddedShare, 3);
  return [
    heading("Other reasons, measured on data=4"),
    {
      kind: "table",
      leftCount: 1,
      rows: [
        ["", ...columns],
        [
          `padding (${share} % of positions): RMS change of valid y without a mask`,
          ...cells(padding.figures),
        ],
        [`one token a rank: largest |y − β|, β = ${oneToken.bias}`, ...cells(oneToken.figures)],
        ...inference.map(({ trainingSteps, figures }) => [
          `inference after ${trainingSteps} step${trainingSteps === 1 ? "" : "s"}: RMS of y − y in training`,
          ...cells(figures),
        ]),
      ],
    },
    paragraph(
      "Padding that nobody masks moves BatchNorm's statistics; a LayerNorm token never sees it. One token is its own " +
        "mean, so that local BatchNorm puts out its bias. In inference BatchNorm uses running statistics (momentum " +
        "0.1, from mean 0 and variance 1), which are not the batch's; LayerNorm computes the same function.",
    ),
  ];
}

const heading = (text: string): Block => ({ kind: "heading", text });
const paragraph = (text: string): Block => ({ kind: "paragraph", text });

function number(value: number, digits = 6): string {
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

import { beforeAll, describe, expect, test } from "vitest";
import { ScenarioError } from "../src/errors.ts";
import { blocksOf } from "../src/explain/blocks.ts";
import { type Explanation, explain } from "../src/explain/explain.ts";
import { ruleOf } from "../src/explain/rule.ts";
import { subjectOf } from "../src/explain/subject.ts";
import { specOf } from "../src/explain/trial.ts";
import { meshName, parseMesh } from "../src/explain/written-mesh.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";

const identity = (ranks: number): number[][] =>
  Array.from({ length: ranks }, (_, i) => Array.from({ length: ranks }, (_, j) => (i === j ? 1 : 0)));
const ones = (ranks: number): number[][] => Array.from({ length: ranks }, () => Array(ranks).fill(1));

let explanation: Explanation;
beforeAll(async () => {
  explanation = await explain();
});

const of = (name: string) => explanation.normalizers.find((it) => it.name === name)!;

describe("dependency of ranks", () => {
  // Oracle: the operator's definition. A local or resident set lies on one rank; SyncBN's statistics contain every rank's x.
  for (const name of ["batch-norm", "layer-norm", "rms-norm", "group-norm"]) {
    test(`y and dx of ${name} on data=4 depend on their own rank's x alone, and nothing is sent`, () => {
      expect(of(name).dependency).toEqual({ forward: identity(4), backward: identity(4) });
      expect(of(name)).toMatchObject({ messages: 0, wireBytes: 0, collectives: [], payloadBytes: 0 });
    });
  }

  test("y and dx of SyncBN on data=4 depend on every rank's x", () => {
    expect(of("SyncBN").dependency).toEqual({ forward: ones(4), backward: ones(4) });
  });

  test("one rank depends on itself", async () => {
    const { normalizers } = await explain({ normalizers: ["SyncBN"], mesh: "data=1" });
    expect(normalizers[0]).toMatchObject({
      sharded: [],
      messages: 0,
      dependency: { forward: [[1]], backward: [[1]] },
    });
  });
});

describe("dependency of ranks where channels or positions are sharded", () => {
  /** Rank = data · tensor + tensorIndex: blocks of ranks that hold one sample between them. */
  const blocks = (data: number, tensor: number): number[][] =>
    Array.from({ length: data * tensor }, (_, i) =>
      Array.from({ length: data * tensor }, (_, j) =>
        Math.floor(i / tensor) === Math.floor(j / tensor) ? 1 : 0,
      ),
    );

  // Oracle: the axis rule. Closed form: two all-reduces by ring, 2·(p − 1)·p messages in each group.
  const rows = [
    { name: "layer-norm", mesh: "tensor=4", matrix: ones(4), messages: 48 },
    { name: "rms-norm", mesh: "tensor=4", matrix: ones(4), messages: 48 },
    { name: "layer-norm", mesh: "data=2,tensor=2", matrix: blocks(2, 2), messages: 2 * 2 * 4 },
    { name: "layer-norm", mesh: "sequence=4", matrix: identity(4), messages: 0 },
    { name: "group-norm", mesh: "tensor=2", matrix: identity(2), messages: 0 },
    { name: "group-norm", mesh: "sequence=4", matrix: ones(4), messages: 2 * 24 },
    { name: "instance-norm", mesh: "tensor=4", matrix: identity(4), messages: 0 },
    { name: "instance-norm", mesh: "data=2,sequence=2", matrix: blocks(2, 2), messages: 2 * 2 * 4 },
    { name: "SyncBN", mesh: "tensor=4", matrix: identity(4), messages: 0 },
    // All-gather p·(p − 1), all-reduce 2·(p − 1)·p.
    { name: "SyncBN", mesh: "sequence=4", matrix: ones(4), messages: 12 + 24 },
  ];
  for (const { name, mesh, matrix, messages } of rows) {
    test(`${name} on ${mesh} sends ${messages} messages`, async () => {
      const { normalizers } = await explain({ normalizers: [name], mesh });
      expect(normalizers[0]).toMatchObject({ messages, dependency: { forward: matrix, backward: matrix } });
    });
  }

  test("what runs on any mesh contributes what the rule says", async () => {
    const names = ["batch-norm", "SyncBN", "layer-norm", "rms-norm", "instance-norm", "batch-renorm"];
    const shard = { samples: 2, channels: 4, positions: 3 };
    for (const axes of [{ tensor: 3 }, { sequence: 3 }, { data: 2, tensor: 2, sequence: 2 }]) {
      const mesh = { data: 1, tensor: 1, sequence: 1, ...axes };
      const text = JSON.stringify({
        name: "as explained",
        mesh,
        data: { source: "gaussian", samples: 2, channels: 4 * mesh.tensor, positions: 3 * mesh.sequence },
        normalizers: names.map((name) => ({ name, ...subjectOf(name).entry })),
      });
      const report = await simulate(parseScenario(text, "test"));
      for (const [index, name] of names.entries())
        expect(ruleOf(specOf(subjectOf(name)), mesh, shard).payloadBytes, name).toBe(
          report.normalizers[index]!.communication.total.payloadBytesPerRank,
        );
    }
  });
});

describe("the rule", () => {
  test("says which axes are reduced and which of them the mesh shards", () => {
    // Oracle: README, Concepts; data shards samples.
    expect(explanation.normalizers.map(({ name, reduces, sharded }) => ({ name, reduces, sharded }))).toEqual(
      [
        { name: "batch-norm", reduces: ["samples", "positions"], sharded: ["samples"] },
        { name: "SyncBN", reduces: ["samples", "positions"], sharded: ["samples"] },
        { name: "layer-norm", reduces: ["channels"], sharded: [] },
        { name: "rms-norm", reduces: ["channels"], sharded: [] },
        { name: "group-norm", reduces: ["channels", "positions"], sharded: [] },
      ],
    );
  });

  test("gives SyncBN the payload and the ledger the messages of a run of the same scenario", async () => {
    const text = JSON.stringify({
      name: "as explained",
      mesh: { data: 4 },
      data: { source: "gaussian", samples: 2, channels: 4, positions: 3 },
      normalizers: [{ type: "batch-norm", group: "world" }],
    });
    const { total } = (await simulate(parseScenario(text, "test"))).normalizers[0]!.communication;
    const { messages, wireBytes, payloadBytes, collectives } = of("SyncBN");
    expect(messages).toBe(total.messages);
    expect(wireBytes).toBe(total.wireBytes);
    expect(payloadBytes).toBe(total.payloadBytesPerRank);
    // Closed forms: 2C + 1 and 2C float32 at C = 4; a ring of 4 moves 4·3 and 2·4·3 messages.
    expect(collectives.map((it) => [it.pass, it.operation, it.payloadBytes])).toEqual([
      ["forward", "all-gather", 36],
      ["backward", "all-reduce", 32],
    ]);
    expect(messages).toBe(12 + 24);
  });

  // Hand: a rank holds 2 samples of 3 positions and 4 channels; 2 values per split set, 1 without a mean, 4 B each.
  const rows = [
    { name: "layer-norm", mesh: "tensor=4", groupSize: 4, payloadBytes: 2 * (2 * 6 * 4) },
    { name: "rms-norm", mesh: "tensor=4", groupSize: 4, payloadBytes: 2 * (6 * 4) },
    { name: "layer-norm", mesh: "sequence=4", groupSize: 1, payloadBytes: 0 },
    { name: "layer-norm", mesh: "data=2,tensor=3", groupSize: 3, payloadBytes: 2 * (2 * 6 * 4) },
    { name: "batch-norm", mesh: "tensor=4", groupSize: 1, payloadBytes: 0 },
    { name: "SyncBN", mesh: "tensor=4", groupSize: 1, payloadBytes: 0 },
    { name: "SyncBN", mesh: "data=2,sequence=3", groupSize: 6, payloadBytes: 36 + 32 },
    // Two blocks of channels over two ranks: one each. Over four: two ranks share one.
    { name: "group-norm", mesh: "tensor=2", groupSize: 1, payloadBytes: 0 },
    { name: "group-norm", mesh: "tensor=4", groupSize: 2, payloadBytes: 2 * (2 * 2 * 4) },
    { name: "instance-norm", mesh: "sequence=4", groupSize: 4, payloadBytes: 2 * (2 * 8 * 4) },
  ];
  for (const { name, mesh, groupSize, payloadBytes } of rows) {
    test(`${name} on ${mesh} shares statistics among ${groupSize} and contributes ${payloadBytes} B`, () => {
      const shard = { samples: 2, channels: 4, positions: 3 };
      const rule = ruleOf(specOf(subjectOf(name)), parseMesh(mesh), shard);
      expect(rule).toMatchObject({ groupSize, payloadBytes });
    });
  }

  test("makes sharded LayerNorm dearer than SyncBN once a rank has more tokens than channels", () => {
    // Closed form: 4·tokens > 4C + 1 values exactly from tokens = C + 1.
    const { channels, firstDearerTokens, syncBatchNorm, rows: table } = explanation.crossover;
    expect(firstDearerTokens).toBe(channels + 1);
    expect(syncBatchNorm).toEqual({ forward: 4 * (2 * channels + 1), backward: 4 * 2 * channels });
    for (const { tokens, layerNorm } of table)
      expect(layerNorm).toEqual({ forward: 4 * 2 * tokens, backward: 4 * 2 * tokens });
  });
});

describe("the worked example", () => {
  /** Both roots to 5 decimals, as quoted by hand. */
  const quoted = 5e-6;
  const xHatOf = (name: string): number[][] =>
    explanation.toy[explanation.normalizers.findIndex((it) => it.name === name)]!.map(({ xHat }) => [
      ...xHat,
    ]);

  // Hand: ±0.5/√(0.25 + 1e-5) and ±2/√(8/3 + 1e-5); 2/√(56/3) and 1/√(35/3) without a mean; a set of one value is 0.
  const rows = [
    { name: "SyncBN", sets: Array(3).fill([0.99998, -0.99998]) as number[][] },
    { name: "layer-norm", sets: Array(2).fill([-1.22474, 0, 1.22474]) as number[][] },
    {
      name: "rms-norm",
      sets: [
        [0.46291, 0.92582, 1.38873],
        [0.29277, 0.87831, 1.46385],
      ],
    },
    { name: "batch-norm", sets: Array(6).fill([0]) as number[][] },
  ];
  for (const { name, sets } of rows) {
    test(`gives ${name} the x̂ that one finds by hand`, () => {
      const got = xHatOf(name);
      expect(got.map(({ length }) => length)).toEqual(sets.map(({ length }) => length));
      for (const [set, values] of sets.entries()) expectClose(got[set]!, values, 0, quoted);
    });
  }
});

describe("other reasons", () => {
  const figureOf = (figures: readonly { name: string; value: number | null }[], name: string) =>
    figures.find((it) => it.name === name)!.value;

  test("padding without a mask changes BatchNorm's valid outputs and no bit of LayerNorm's", () => {
    const { figures } = explanation.reasons.padding;
    expect(figureOf(figures, "layer-norm")).toBe(0);
    expect(figureOf(figures, "SyncBN")).toBeGreaterThan(0.1);
  });

  test("one token's local BatchNorm is its bias, to the bit", () => {
    const { figures } = explanation.reasons.oneToken;
    expect(figureOf(figures, "batch-norm")).toBe(0);
    expect(figureOf(figures, "layer-norm")).toBeGreaterThan(0.1);
  });

  test("running statistics come closer to the batch's with training steps, the pooled ones closest", () => {
    // Invariant: they start at mean 0 and variance 1, the data have mean 1 and variance 4; a larger batch varies less.
    const { inference } = explanation.reasons;
    const pooled = inference.map(({ figures }) => figureOf(figures, "SyncBN")!);
    expect(pooled).toEqual([...pooled].sort((a, b) => b - a));
    const last = inference.at(-1)!.figures;
    expect(figureOf(last, "SyncBN")!).toBeLessThan(figureOf(last, "batch-norm")!);
    expect(figureOf(last, "layer-norm")).toBeNull();
  });
});

describe("bad input", () => {
  const faultsOf = async (request: Parameters<typeof explain>[0]): Promise<string> => {
    const error: unknown = await explain(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as ScenarioError).message;
  };

  const rows = [
    { request: { normalizers: ["layernrm"] }, says: /did you mean "layer-norm"\?/ },
    { request: { mesh: "dta=4" }, says: /--mesh: expected an axis.*did you mean "data"\?/ },
    { request: { mesh: "data=0" }, says: /whole number from 1 for data/ },
    { request: { mesh: "data=2=3" }, says: /whole number from 1 for data/ },
    { request: { mesh: "data=2,data=3" }, says: /expected data once/ },
    { request: { mesh: "data=64" }, says: /at most 32 ranks.*got 64/ },
    { request: { mesh: "" }, says: /expected an axis/ },
  ];
  for (const { request, says } of rows) {
    test(`${JSON.stringify(request)} is refused`, async () => {
      expect(await faultsOf(request)).toMatch(says);
    });
  }

  test("faults of names and mesh come together", async () => {
    expect((await faultsOf({ normalizers: ["foo"], mesh: "data" })).split("\n")).toHaveLength(2);
  });

  test("a mesh on which no normaliser runs is refused with the scenario's fault, once", async () => {
    expect(await faultsOf({ normalizers: ["group-norm"], mesh: "tensor=3" })).toMatch(
      /^.*groups: expected a divisor or a multiple of mesh.tensor.*got 2$/,
    );
  });

  test("a mesh is named by the axes it shards", () => {
    expect(meshName(parseMesh("tensor=2, data=3"))).toBe("data=3,tensor=2");
    expect(meshName(parseMesh("data=1"))).toBe("one rank");
  });
});

test("what is laid out says for every normaliser why, and what ran", () => {
  const texts = blocksOf(explanation).flatMap((block) => ("text" in block ? [block.text] : []));
  for (const { name, because, messages } of explanation.normalizers) {
    expect(texts).toContain(`${name} on data=4`);
    expect(texts).toContain(because);
    expect(texts.some((text) => text.startsWith(`Measured: ${messages} messages`))).toBe(true);
  }
});

import { describe, expect, test } from "vitest";
import { formatFault, ScenarioError } from "../src/errors.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { parseFieldPath, withValueAt } from "../src/sweep/field-path.ts";
import { identityOf } from "../src/sweep/identity.ts";
import { describePoint, sweepPoints } from "../src/sweep/points.ts";
import { base } from "./support/scenario-text.ts";

const text = base.join("\n");
const points = (...sets: string[]) => sweepPoints(text, "s.yaml", sets);

function faults(scenario: string, ...sets: string[]): string[] {
  try {
    sweepPoints(scenario, "s.yaml", sets);
  } catch (error) {
    if (error instanceof ScenarioError) return error.faults.map(formatFault);
    throw error;
  }
  return [];
}

describe("a path into a scenario", () => {
  // Oracle: the paths that faults print.
  const rows: readonly (readonly [string, readonly (string | number)[] | undefined])[] = [
    ["seed", ["seed"]],
    ["data.samples", ["data", "samples"]],
    ["normalizers[1].group", ["normalizers", 1, "group"]],
    ["a-b[0][12]", ["a-b", 0, 12]],
    ["", undefined],
    [".a", undefined],
    ["a..b", undefined],
    ["a[x]", undefined],
    ["a[0]b", undefined],
    ["[0]", undefined],
  ];
  for (const [path, parts] of rows)
    test(`${JSON.stringify(path)} is ${JSON.stringify(parts) ?? "none"}`, () =>
      expect(parseFieldPath(path)).toEqual(parts));

  test("a value is set in a copy; missing maps are made, missing entries are not", () => {
    const data = { a: [1, { b: 2 }] };
    expect(withValueAt(data, ["a", 1, "b"], 3)).toEqual({ value: { a: [1, { b: 3 }] } });
    expect(withValueAt(data, ["c", "d"], 4)).toEqual({ value: { a: [1, { b: 2 }], c: { d: 4 } } });
    expect(data).toEqual({ a: [1, { b: 2 }] });
    expect(withValueAt(data, ["a", 2], 0)).toEqual({ objection: expect.stringContaining("2 entries") });
    expect(withValueAt(data, ["a", 0, "b"], 0)).toEqual({ objection: '1 has no field "b"' });
    expect(withValueAt(data, ["c", 0], 0)).toEqual({ objection: expect.stringContaining("needs a list") });
  });

  test("__proto__ is a key like any other", () => {
    const changed = withValueAt({}, ["__proto__", "polluted"], true);
    expect(JSON.stringify(changed)).toBe('{"value":{"__proto__":{"polluted":true}}}');
    expect(Object.hasOwn({}, "polluted") || "polluted" in {}).toBe(false);
  });
});

describe("the grid", () => {
  test("is the cartesian product in the order given, the last path fastest", () => {
    // By hand.
    expect(points("data.samples=1,2", "mesh.data=4,8,16").map(({ values }) => describePoint(values))).toEqual(
      [
        "data.samples=1, mesh.data=4",
        "data.samples=1, mesh.data=8",
        "data.samples=1, mesh.data=16",
        "data.samples=2, mesh.data=4",
        "data.samples=2, mesh.data=8",
        "data.samples=2, mesh.data=16",
      ],
    );
  });

  test("takes values as YAML has them: numbers, text, lists, durations", () => {
    const [first, second] = points("data.positions=[14, 14],[7]", "cluster=dgx-h100", "deadline=5s");
    expect(first!.scenario).toMatchObject({
      data: { positions: [14, 14] },
      cluster: { name: "dgx-h100" },
      deadlineSeconds: 5,
    });
    expect(second!.scenario.data).toMatchObject({ positions: [7] });
  });

  test("a point is what the file would be with the value written in it", () => {
    const [point] = points("normalizers[0].group=4");
    expect(point!.scenario).toEqual(parseScenario(text.replace("group: 2", "group: 4"), "s.yaml"));
    expect(parseScenario(point!.written, "job")).toEqual(point!.scenario);
  });

  test("may stand in the file as matrix; --set replaces an axis of it and adds others", () => {
    const withMatrix = `${text}\nmatrix: { data.samples: [1, 2], seed: [5, 6, 7] }`;
    expect(sweepPoints(withMatrix, "s.yaml", []).length).toBe(6);
    expect(
      sweepPoints(withMatrix, "s.yaml", ["seed=9", "trainingSteps=1,2"]).map(({ values }) => values),
    ).toEqual([
      { "data.samples": 1, seed: 9, trainingSteps: 1 },
      { "data.samples": 1, seed: 9, trainingSteps: 2 },
      { "data.samples": 2, seed: 9, trainingSteps: 1 },
      { "data.samples": 2, seed: 9, trainingSteps: 2 },
    ]);
  });

  test("a field that only the grid gives may be missing in the file", () => {
    const without = text.replace("  samples: 2\n", "");
    expect(sweepPoints(without, "s.yaml", ["data.samples=1,2"]).length).toBe(2);
  });
});

describe("a faulty sweep says what is wrong before anything runs", () => {
  const rows: readonly (readonly [string, string, readonly string[], RegExp])[] = [
    ["no grid", text, [], /^s\.yaml: expected a grid: --set/],
    ["a set without =", text, ["seed"], /^--set seed: expected path=value/],
    ["a path that is none", text, ["data..x=1"], /^--set data\.\.x=1: expected path=value.*normalizers\[0\]/],
    ["no value", text, ["seed="], /^--set seed=: expected values such as/],
    ["a value that is no YAML", text, ["seed=[1"], /^--set seed=\[1: expected values such as/],
    ["a path set twice", text, ["seed=1", "seed=2"], /^--set seed=2: seed: this path is set twice/],
    ["an unknown field", text, ["data.smaples=1"], /^s\.yaml with data\.smaples=1: .*did you mean "samples"/],
    ["a wrong value", text, ["seed=1,x"], /^s\.yaml with seed=x: seed: expected a number, got "x"/],
    [
      "fields at odds",
      text,
      ["mesh.data=1,4"],
      /^s\.yaml with mesh\.data=1: normalizers\[0\]\.group: .*1 ranks/,
    ],
    [
      "an entry too many",
      text,
      ["normalizers[2].group=1"],
      /the list has 2 entries, counted from 0, got \[2\]/,
    ],
    ["a matrix that is none", `${text}\nmatrix: 3`, [], /^s\.yaml:10:9: matrix: expected a map of paths/],
    [
      "an axis that is none",
      `${text}\nmatrix: { seed: 3 }`,
      [],
      /^s\.yaml:10:17: matrix\.seed: expected a list/,
    ],
    [
      "a file that is faulty by itself",
      `${text}\nsede: 1`,
      ["seed=1,2"],
      /^s\.yaml:10:1: sede: unknown key "sede"/,
    ],
    ["a file that is no map", "- 1", ["seed=1"], /^s\.yaml:1:1: expected a map/],
    [
      "a key that appears twice",
      `${text}\nname: x`,
      ["seed=1"],
      /^s\.yaml:10:1: name: this key appears twice/,
    ],
  ];
  for (const [what, scenario, sets, pattern] of rows)
    test(what, () => {
      const found = faults(scenario, ...sets);
      expect(found.length).toBe(1);
      expect(found[0]).toMatch(pattern);
    });

  test("more than 10 000 points are refused before any is made", () => {
    const thousand = Array.from({ length: 101 }, (_, index) => index).join(",");
    // 101 · 100 = 10 100.
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1).join(",");
    expect(faults(text, `seed=${thousand}`, `data.samples=${hundred}`)).toEqual([
      "s.yaml: expected at most 10000 points in the grid, got 10100",
    ]);
  });

  test("one mistake in every point is said once", () => {
    expect(faults(text, "seed=1,2,3", "data.smaples=1").length).toBe(1);
  });
});

test("the identity of a point ignores the order of keys, and nothing else", () => {
  const { scenario } = points("seed=1")[0]!;
  const inputs = { scenario, files: {}, engine: "1" };
  const reordered = Object.fromEntries(Object.entries(scenario).reverse()) as typeof scenario;
  expect(identityOf({ engine: "1", files: {}, scenario: reordered })).toBe(identityOf(inputs));
  const others = [
    { ...inputs, engine: "2" },
    { ...inputs, files: { "a.npy": "0" } },
    { ...inputs, scenario: { ...scenario, seed: 2 } },
  ];
  expect(new Set([inputs, ...others].map(identityOf)).size).toBe(4);
});

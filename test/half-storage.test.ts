import { describe, expect, test } from "vitest";
import { piscinaHost } from "../src/node/piscina-host.ts";
import { warningsOf } from "../src/report/warnings.ts";
import { encodeNpy } from "../src/scenario/npy.ts";
import { resolveNpySource } from "../src/scenario/npy-source.ts";
import { roundToHalf } from "../src/scenario/number-format.ts";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

const fields = {
  mesh: { data: 4 },
  data: { source: "gaussian", samples: 3, channels: 5, positions: [7], mean: 2 },
  normalizers: [
    { name: "BN", type: "batch-norm", group: "world" },
    { name: "LN", type: "layer-norm" },
    { name: "GN", type: "group-norm", groups: 5 },
  ],
  trainingSteps: 2,
};

for (const storage of ["float16", "bfloat16"] as const) {
  describe(storage, () => {
    // Oracle: the definition of the storage, by the scalar rounding.
    test("x, dy, y and dx hold nothing but its numbers, and payloads travel as float32", async () => {
      let checked = 0;
      const report = await simulate(scenarioFrom({ ...fields, storage }), {
        onPass({ ranks }) {
          for (const { x, dy, y, dx } of ranks)
            for (const values of [x, dy, y, dx]) {
              expect([...values]).toEqual([...values].map((value) => roundToHalf(value, storage)));
              expect(new Set(values).size).toBeGreaterThan(10);
              checked++;
            }
        },
      });
      expect(checked).toBe(2 * 3 * 4 * 4);
      expect(report.scenario).toMatchObject({ storage, payload: "float32" });
      expect(report.normalizers[0]!.numerics.overflows).toBe(0);
    });

    test("threads and one process give the same bytes", async () => {
      const scenario = scenarioFrom({ ...fields, storage, payload: storage });
      const bytes = async (host?: ReturnType<typeof piscinaHost>) => {
        const report = await simulate(scenario, host === undefined ? {} : { host, threads: 2 });
        return JSON.stringify(report, (key, value) => (key === "wallSeconds" ? 0 : value));
      };
      expect(await bytes(piscinaHost())).toBe(await bytes());
    });
  });
}

describe("bfloat16 at mean 100", () => {
  const run = (std: number) =>
    simulate(
      scenarioFrom({
        data: { source: "gaussian", samples: 512, channels: 4, mean: 100, std },
        normalizers: [{ name: "BN", type: "batch-norm" }],
        storage: "bfloat16",
      }),
    );

  // Oracle: by hand. 100 lies in [64, 128), where bfloat16's step is 2^(6 − 7) = 0.5: a standard deviation of 0.1
  // leaves 99.5, 100 and 100.5, and of 1 gains 0.5²/12 = 0.021, 2 % of its variance.
  test("has steps of 0.5, whatever the algorithm, and the report says that none repairs it", async () => {
    const { worstConditioned } = (await run(1)).normalizers[0]!.numerics;
    expect(worstConditioned!.mean).toBeCloseTo(100, 0);
    for (const std of [0.1, 1]) {
      const warnings = warningsOf(await run(std)).join("\n");
      expect(warnings).toMatch(/steps of 0\.5, which add about 0\.021 .*no algorithm repairs it/);
    }
    expect(warningsOf(await run(10))).toEqual([]);
  });
});

describe("numbers too large for float16", () => {
  // Oracle: by hand; 65,504 is float16's largest number.
  test("are counted where data are drawn", async () => {
    const report = await simulate(
      scenarioFrom({
        data: { source: "gaussian", samples: 2, channels: 3, mean: 1e5 },
        normalizers: [{ name: "BN", type: "batch-norm" }],
        storage: "float16",
      }),
    );
    const { numerics } = report.normalizers[0]!;
    expect(numerics.overflows).toBe(6);
    expect(warningsOf(report).join()).toMatch(/6 numbers became infinite: float16 ends at 65504/);
  });

  test("are counted where y and dx are stored, and not in what they are compared with", async () => {
    // Two values a channel are ±1 at ε = 0, and y is ±70,000.
    const numericsOf = async (fields: object) => {
      const spec = { type: "batch-norm", epsilon: 0, weight: 7e4 };
      const normalizers = [
        { name: "first", ...spec },
        { name: "second", ...spec },
      ];
      const report = await simulate(
        scenarioFrom({
          data: { source: "gaussian", samples: 2, channels: 3 },
          storage: "float16",
          normalizers,
          ...fields,
        }),
      );
      return report.normalizers.map(({ numerics }) => numerics.overflows);
    };
    expect(await numericsOf({ backward: false })).toEqual([6, 6]);
    // 1e-12 is 0 in float16, so that y is 0 and dx = γ(dy − mean dy)/√ε, 10^7 times differences of order 1.
    const normalizers = [{ name: "constant", type: "layer-norm", epsilon: 1e-10, weight: 100 }];
    const data = { source: "gaussian", samples: 2, channels: 3, std: 1e-12 };
    expect(await numericsOf({ data, normalizers })).toEqual([6]);
  });

  test("are counted on the wire", async () => {
    const report = await simulate(
      scenarioFrom({
        mesh: { data: 2 },
        data: { source: "gaussian", samples: 2, channels: 3, mean: 1e5 },
        normalizers: [{ name: "BN", type: "batch-norm", group: "world" }],
        payload: "float16",
      }),
    );
    // Each rank's three means; its invStds and count fit, and NaN follows, which is not counted.
    expect(report.normalizers[0]!.numerics.overflows).toBe(2 * 3);
  });

  test("are refused in files", () => {
    const file = encodeNpy(Float32Array.of(1, 70000), [2, 1]);
    const read = () => file;
    const source = { source: "npy", files: ["a.npy"] } as const;
    expect(() => resolveNpySource(source, "float16", read)).toThrow(/70000, infinite in float16/);
    const held = resolveNpySource(source, "bfloat16", read);
    // 70000 is 2^16 · 1.068…, in steps of 512: 136.7 of them, 137.
    expect(held.x[0]).toEqual(Float32Array.of(1, 137 * 512));
  });
});

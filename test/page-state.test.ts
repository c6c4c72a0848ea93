import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseScenario } from "../src/scenario/parse.ts";
import { firstState, fromFragment, type PageState, toFragment } from "../src/web/page-state.ts";
import { normalizerChoices, scenarioText, sourceChoices } from "../src/web/scenario-text.ts";

describe("the fragment of the page's address", () => {
  const state = fc.record(
    Object.fromEntries(Object.keys(firstState).map((key) => [key, fc.string()])),
  ) as unknown as fc.Arbitrary<PageState>;

  test("brings back every state that it was made from", () => {
    fc.assert(
      fc.property(state, (chosen) => {
        expect(fromFragment(`#${toFragment(chosen)}`)).toEqual(chosen);
      }),
    );
  });

  test("is empty for the first state, and names only what was changed", () => {
    expect(toFragment(firstState)).toBe("");
    expect(toFragment({ ...firstState, seed: "8" })).toBe("seed=8");
  });

  test("leaves out what it does not know", () => {
    expect(fromFragment("#seed=8&__proto__=1&nonsense=2")).toEqual({ ...firstState, seed: "8" });
  });
});

describe("the scenario of a state", () => {
  test("is, for the first state, the quickstart's with smaller feature maps", () => {
    const { name: _, ...fields } = parseScenario(scenarioText(firstState), "page");
    expect(fields).toMatchObject({
      seed: 7,
      mesh: { data: 8, tensor: 1, sequence: 1 },
      data: { source: "gaussian", samples: Array(8).fill(2), channels: 64, positions: [7, 7] },
    });
    expect(fields.normalizers.map(({ name }) => name)).toEqual(["local BN", "SyncBN", "SyncBN/4", "LN"]);
  });

  test("is sound for every source and every normaliser", () => {
    for (const source of Object.keys(sourceChoices)) {
      const show = Object.keys(normalizerChoices).join(",");
      const scenario = parseScenario(
        scenarioText({ ...firstState, source, show, positions: "32", poison: "3" }),
        "page",
      );
      expect(scenario.data.source).toBe(source);
      expect(scenario.normalizers).toHaveLength(Object.keys(normalizerChoices).length);
      expect(scenario.faults).toMatchObject([{ kind: "nan", rank: 3 }]);
    }
  });

  test("is what somebody wrote, where somebody did", () => {
    expect(scenarioText({ ...firstState, yaml: "name: mine" })).toBe("name: mine");
  });
});

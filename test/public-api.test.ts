import { expect, test } from "vitest";
import * as core from "../src/index.ts";
import * as node from "../src/node.ts";

// Oracle: this list. A change to it is a decision about what others may build on.

const corePublic = [
  "AssertionError",
  "RankError",
  "ScenarioError",
  "buildModel",
  "estimate",
  "explain",
  "formatFault",
  "inProcessHost",
  "isSimulatorError",
  "mergeMoments",
  "modelNames",
  "momentsOf",
  "parseScenario",
  "predictCollective",
  "resolveFileSource",
  "resolveNpySource",
  "scenarioJsonSchema",
  "simulate",
  "variance",
];

test("the isomorphic entry point exports these names and no others", () => {
  expect(Object.keys(core).sort()).toEqual(corePublic);
});

test("the Node entry point adds the host of worker threads and scenario files", () => {
  expect(Object.keys(node).sort()).toEqual([...corePublic, "piscinaHost", "readScenario"].sort());
});

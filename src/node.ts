export * from "./index.ts";
export { type PiscinaHostOptions, piscinaHost } from "./node/piscina-host.ts";
export { readScenario, type ScenarioInput } from "./node/scenario-files.ts";

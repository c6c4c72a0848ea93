export { AssertionError } from "./assert.ts";
export type { Communication } from "./cost/communication.ts";
export { type Estimate, estimate } from "./cost/estimate/estimate.ts";
export type { EstimateRequest } from "./cost/estimate/request.ts";
export type { Layer, Model } from "./cost/models/model.ts";
export { buildModel, modelNames } from "./cost/models/registry.ts";
export { type CollectivePrediction, predictCollective } from "./cost/nccl/predict.ts";
export type { CompletedPass } from "./engine/coordinator.ts";
export type { Host } from "./engine/host.ts";
export { inProcessHost } from "./engine/in-process-host.ts";
export {
  type FailureRecord,
  type Fault,
  formatFault,
  isSimulatorError,
  RankError,
  type RankState,
  ScenarioError,
} from "./errors.ts";
export { type Explanation, explain, type NormalizerExplanation } from "./explain/explain.ts";
export type { NormalizerReport, RankReport, Report } from "./report/report.ts";
export { resolveFileSource } from "./scenario/file-source.ts";
export { scenarioJsonSchema } from "./scenario/json-schema.ts";
export { type NpyBatches, resolveNpySource } from "./scenario/npy-source.ts";
export { parseScenario } from "./scenario/parse.ts";
export type { Scenario } from "./scenario/scenario.ts";
export { type SimulationOptions, simulate } from "./simulate.ts";
export { type Moments, mergeMoments, momentsOf, variance } from "./statistics/moments.ts";
export type { Summary } from "./statistics/summary.ts";

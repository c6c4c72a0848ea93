import { type Fault, isSimulatorError, ScenarioError } from "../../errors.ts";
import { parseDuration } from "../../scenario/quantities.ts";
import type { Cluster } from "../cluster.ts";
import type { ModelLayers } from "../models/model.ts";
import { type EstimateRequest, type GroupChoice, resolveRequest } from "./request.ts";

/** A request as a person writes it: every field is text. */
export interface WrittenRequest {
  readonly model: string | ModelLayers;
  readonly cluster: string | Cluster;
  readonly gpus: string;
  readonly microbatch: string;
  readonly precision?: string;
  readonly implementation?: string;
  /** `node`, `world` or a whole number. */
  readonly group?: string;
  /** With its unit: `120ms`. */
  readonly stepTime?: string;
  readonly nccl?: string;
}

/**
 * What a written request means.
 *
 * @throws ScenarioError with all faults at once, those of meaning included.
 */
export function parseRequest(written: WrittenRequest): EstimateRequest {
  const { model, cluster, precision, implementation, group, stepTime, nccl } = written;
  const duration = stepTime === undefined ? undefined : parseDuration(stepTime);
  const request: EstimateRequest = {
    ...{ model, cluster, gpus: numberOf(written.gpus), microbatch: numberOf(written.microbatch) },
    ...(precision !== undefined && { precision }),
    ...(implementation !== undefined && { implementation }),
    ...(group !== undefined && { group: groupOf(group) }),
    ...(duration !== undefined && "value" in duration && { stepSeconds: duration.value }),
    ...(nccl !== undefined && { ncclVersion: nccl }),
  };
  const faults: Fault[] = [];
  try {
    resolveRequest(request);
  } catch (error) {
    if (!isSimulatorError(error, "ScenarioError")) throw error;
    faults.push(...(error as ScenarioError).faults.map((fault) => inItsWords(fault, written)));
  }
  if (duration !== undefined && "fault" in duration)
    faults.push({ file: "normsim estimate", path: "step-time", message: duration.fault });
  if (faults.length > 0) throw new ScenarioError(faults);
  return request;
}

/** A number, or NaN for text that is none: `Number` takes empty text for 0. */
function numberOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

function groupOf(text: string): GroupChoice {
  const count = numberOf(text);
  return Number.isNaN(count) ? (text as GroupChoice) : count;
}

/** NaN stands for text that is no number: show the text. */
function inItsWords(fault: Fault, written: WrittenRequest): Fault {
  if (fault.path !== "gpus" && fault.path !== "microbatch") return fault;
  return {
    ...fault,
    message: fault.message.replace("got NaN", `got ${JSON.stringify(written[fault.path])}`),
  };
}

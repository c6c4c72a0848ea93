import { ScenarioError } from "../../errors.ts";
import { type BenchmarkRow, type BenchmarkRun, operationOfProgram, versionOfCode } from "./benchmark-run.ts";

type Written = Readonly<Record<string, unknown>>;

/**
 * Read what nccl-tests writes with `-J`: args, nccl_version, config with its devices, results.
 *
 * @throws ScenarioError if it is not JSON or holds no results.
 */
export function readJsonOutput(text: string, file: string): BenchmarkRun {
  const output = asMap(parse(text, file));
  if (!Array.isArray(output.results)) throw fault(file, 'expected "results" as nccl-tests -J writes them');
  const config = asMap(output.config);
  const devices = asList(config.devices).map(asMap);
  // Each process describes its first GPU only.
  const perProcess = countOr(config.ngpus, 1) * countOr(config.nthreads, 1);
  const hosts = new Set(devices.map(({ hostname }) => hostname)).size;
  const program = asList(output.args).find((arg) => typeof arg === "string" && arg.includes("_perf"));
  const [device] = devices.map(({ device_info: info }) => info);
  return {
    file,
    operation: typeof program === "string" ? operationOfProgram(program) : undefined,
    nodes: hosts || undefined,
    ranks: devices.length * perProcess || undefined,
    device: typeof device === "string" ? device : undefined,
    ncclVersion: versionOfCode(Number(output.nccl_version)),
    rows: output.results.flatMap((result) => rowsOf(asMap(result))),
  };
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fault(file, "is not JSON, although it begins with {", cause);
  }
}

function rowsOf(result: Written): BenchmarkRow[] {
  const bytes = Number(result.size);
  if (!(Number.isSafeInteger(bytes) && bytes > 0)) return [];
  return [result.out_of_place, result.in_place].flatMap((written) => {
    const part = asMap(written);
    const microseconds = part.time ?? part.cpu_time;
    const [time, algorithmBandwidth, busBandwidth] = [microseconds, part.alg_bw, part.bus_bw];
    if (
      typeof time !== "number" ||
      typeof algorithmBandwidth !== "number" ||
      typeof busBandwidth !== "number"
    )
      return [];
    return [{ bytes, seconds: time / 1e6, algorithmBandwidth, busBandwidth }];
  });
}

function countOr(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : fallback;
}

function asMap(value: unknown): Written {
  return typeof value === "object" && value !== null ? (value as Written) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fault(file: string, message: string, cause?: unknown): ScenarioError {
  return new ScenarioError([{ file, path: "", message }], { cause });
}

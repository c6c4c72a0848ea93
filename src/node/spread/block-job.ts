import type { BlockCall } from "../../engine/spread/block-call.ts";
import { spreadObjections } from "../../engine/spread/spreadable.ts";
import { ScenarioError } from "../../errors.ts";
import { read, z } from "../../scenario/schema-language.ts";
import { sha256 } from "../sweep/point-inputs.ts";
import { type PointJob, type ReadJob, readJob } from "../sweep/point-job.ts";

/** What one block of a spread run is asked, or whoever merges them: data only. */
export interface BlockRequest {
  /** Sets runs of one scenario apart. */
  readonly run: string;
  readonly blocks: number;
  /** Index; null: merge what all blocks gave. */
  readonly block: number | null;
  /** Answers by the hash of their text, which is in Redis. */
  readonly call: BlockCall<string, string>;
}

/** A request as it travels to a worker, with the scenario that it belongs to. */
export type BlockJob = PointJob & BlockRequest;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const natural = z.int().min(0);
const request: z.ZodType<BlockRequest> = z.object({
  run: z.uuid(),
  blocks: z.int().min(1).max(1024),
  block: natural.nullable(),
  call: z.strictObject({
    kind: z.enum(["prepare", "pass", "exchange"]),
    normalizer: natural,
    microbatch: natural,
    first: natural,
    wholes: z.array(hash),
    answers: z.array(z.array(hash)),
  }),
});

/** Whether the data of a job ask for a block or a merge, and not for a point of a sweep. */
export function isBlockJob(data: unknown): boolean {
  return typeof data === "object" && data !== null && "call" in data;
}

/**
 * Check what arrived as a job of a spread run: its scenario as that of a point, and what is asked of it.
 *
 * @throws ScenarioError that says what is wrong with it.
 */
export function readBlockJob(data: unknown): ReadJob & BlockRequest {
  const job = readJob(data);
  const { data: asked, findings } = read(request, data);
  const { normalizers, mesh } = job.parsed;
  const isSound =
    asked !== undefined &&
    asked.blocks <= mesh.data &&
    (asked.block ?? 0) < asked.blocks &&
    asked.call.normalizer < normalizers.length &&
    spreadObjections(job.parsed).length === 0;
  if (isSound) return { ...job, ...asked };
  const message = findings[0]?.message ?? "expected a block, a normaliser and blocks that the scenario has";
  throw new ScenarioError([{ file: "job", path: findings[0]?.path.join(".") ?? "", message }]);
}

/** What jobs of a call are named: the one that merges (null), and that of a block. */
export function blockJobId({ run, call }: Pick<BlockRequest, "run" | "call">, block: number | null): string {
  const { kind, normalizer, microbatch, first, wholes, answers } = call;
  return sha256(JSON.stringify([run, block, kind, normalizer, microbatch, first, wholes, answers]));
}

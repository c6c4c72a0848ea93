import { ScenarioError } from "../../errors.ts";
import type { NpyBatches } from "../../scenario/npy-source.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { batchesOf, type SweepFiles, sha256 } from "./point-inputs.ts";
import type { KeyedPoint } from "./sweep-points.ts";

type Client = Awaited<ReturnType<typeof import("./redis-connection.ts").connectRedis>>;

/** A sweep is over by then; unread files do not stay for ever in a Redis that must not evict. */
const keptSeconds = 7 * 24 * 3600;
/** What one value of Redis holds (redis.io/docs, strings). */
export const bytesMaximum: number = 512 * 2 ** 20;

const redisKey = (hash: string): string => `normsim:file:${hash}`;

/**
 * Put the files of points into Redis under their content hash, each once.
 *
 * @throws ScenarioError if one is too large to travel.
 */
export async function sendFiles(
  client: Client,
  files: SweepFiles,
  points: readonly Pick<KeyedPoint, "files">[],
): Promise<void> {
  const hashes = new Map(points.flatMap((point) => Object.entries(point.files)));
  for (const [path, hash] of hashes) {
    const bytes = files.bytes(path);
    if (!(bytes instanceof Uint8Array)) throw new ScenarioError([bytes]);
    if (bytes.length > bytesMaximum) {
      const message = `has ${bytes.length} bytes, and at most ${bytesMaximum} travel to a worker; sweep without --redis`;
      throw new ScenarioError([{ file: path, path: "", message }]);
    }
    const isThere = await client.expire(redisKey(hash), keptSeconds);
    if (isThere === 0) await client.set(redisKey(hash), Buffer.from(bytes), "EX", keptSeconds);
  }
}

/**
 * The arrays of a scenario whose data are files, for a worker: from Redis alone, and only if they are what their
 * hashes say; else null.
 *
 * @throws ScenarioError with the faults of all files.
 */
export async function fetchBatches(
  client: Client,
  scenario: Scenario,
  hashes: Readonly<Record<string, string>>,
): Promise<NpyBatches | null> {
  const fetched = new Map<string, Uint8Array>();
  for (const [path, hash] of Object.entries(hashes)) {
    const bytes = await client.getBuffer(redisKey(hash));
    if (bytes !== null && sha256(bytes) === hash) fetched.set(path, bytes);
  }
  return batchesOf(
    scenario,
    (path) => fetched.get(path) ?? { file: path, path: "", message: "its bytes are not in Redis any more" },
  );
}

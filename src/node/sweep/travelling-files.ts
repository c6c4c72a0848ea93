import { QueueError, ScenarioError } from "../../errors.ts";
import type { NpyBatches } from "../../scenario/npy-source.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { batchesOf, type SweepFiles, sha256 } from "./point-inputs.ts";
import type { KeyedPoint } from "./sweep-points.ts";

type Client = Awaited<ReturnType<typeof import("./redis-connection.ts").connectRedis>>;

/** A sweep is over by then; unread files do not stay for ever in a Redis that must not evict. */
const keptSeconds = 7 * 24 * 3600;
/** A spread run forgets what its jobs left; this is for one that was killed. */
const textSeconds = 24 * 3600;
/** What one value of Redis holds (redis.io/docs, strings). */
const bytesMaximum = 512 * 2 ** 20;

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
    const bytes = await fetchBytes(client, hash);
    if (bytes !== null) fetched.set(path, bytes);
  }
  return batchesOf(
    scenario,
    (path) => fetched.get(path) ?? { file: path, path: "", message: "its bytes are not in Redis any more" },
  );
}

/** Bytes by their content hash; null where they are not, or are others. */
export async function fetchBytes(client: Client, hash: string): Promise<Uint8Array | null> {
  const bytes = await client.getBuffer(redisKey(hash));
  return bytes !== null && sha256(bytes) === hash ? bytes : null;
}

/** Put text into Redis under its content hash, which is returned. */
export async function sendText(client: Client, text: string): Promise<string> {
  const bytes = Buffer.from(text);
  if (bytes.length > bytesMaximum)
    throw new QueueError(
      `${bytes.length} bytes of a block are more than the ${bytesMaximum} that travel; use more blocks`,
    );
  const hash = sha256(bytes);
  await client.set(redisKey(hash), bytes, "EX", textSeconds);
  return hash;
}

/** Forget texts, whose readers have read them. */
export async function forgetTexts(client: Client, hashes: readonly string[]): Promise<void> {
  if (hashes.length > 0) await client.unlink(...hashes.map(redisKey));
}

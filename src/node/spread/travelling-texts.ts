import { QueueError } from "../../errors.ts";
import { sha256 } from "../sweep/point-inputs.ts";
import type { connectRedis } from "../sweep/redis-connection.ts";
import { bytesMaximum } from "../sweep/travelling-files.ts";

type Client = Awaited<ReturnType<typeof connectRedis>>;

/** A spread run forgets what its jobs left; this is for one that was killed. */
const keptSeconds = 24 * 3600;

/** Of the run alone: another run of the same scenario leaves the same texts, and forgets them by itself. */
const redisKey = (run: string, hash: string): string => `normsim:run:${run}:${hash}`;

/**
 * Put what a job of a run leaves into Redis under its content hash, which is returned.
 *
 * @throws QueueError if it is too large.
 */
export async function sendText(client: Client, run: string, text: string): Promise<string> {
  const bytes = Buffer.from(text);
  if (bytes.length > bytesMaximum)
    throw new QueueError(
      `a block leaves ${bytes.length} bytes, and at most ${bytesMaximum} travel; use more blocks`,
    );
  const hash = sha256(bytes);
  await client.set(redisKey(run, hash), bytes, "EX", keptSeconds);
  return hash;
}

/** @throws QueueError if it is not there, or not what its hash says. */
export async function fetchText(client: Client, run: string, hash: string): Promise<string> {
  const bytes = await client.getBuffer(redisKey(run, hash));
  if (bytes === null || sha256(bytes) !== hash)
    throw new QueueError("what a job of the run left is not in Redis any more");
  return new TextDecoder().decode(bytes);
}

/** Forget texts, whose readers have read them. */
export async function forgetTexts(client: Client, run: string, hashes: readonly string[]): Promise<void> {
  if (hashes.length > 0) await client.unlink(...hashes.map((hash) => redisKey(run, hash)));
}

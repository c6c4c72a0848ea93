import { command } from "./command.ts";
import { type Running, startCommand } from "./sweep-command.ts";

const started: Running[] = [];

/** A `normsim worker` of one thread that waits for jobs of this Redis. */
export async function startWorker(url: string, ...options: readonly string[]): Promise<Running> {
  const worker = startCommand(["worker", "--redis", url, "--threads", "1", ...options]);
  started.push(worker);
  await worker.said("waiting for points");
  return worker;
}

/** End all workers that a test started, at once. */
export function killWorkers(): void {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
}

/** What redis-cli prints. */
export async function redisCommand(port: number, password: string, ...args: string[]): Promise<string> {
  const { stdout } = await command("redis-cli", ["-p", `${port}`, ...args], {
    env: { REDISCLI_AUTH: password },
  });
  return stdout.trim();
}

/** A field that BullMQ keeps of every job, summed over the jobs by a script on the server. */
export async function sumOverJobs(port: number, password: string, field: string): Promise<number> {
  const script = `local sum = 0
    for _, key in ipairs(redis.call("KEYS", "normsim:points:" .. string.rep("[0-9a-f]", 64))) do
      sum = sum + tonumber(redis.call("HGET", key, "${field}") or 0) end
    return sum`;
  return Number(await redisCommand(port, password, "EVAL", script, "0"));
}

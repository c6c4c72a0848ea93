import { isIP } from "node:net";
import type { Redis, RedisOptions } from "ioredis";
import { QueueError, ScenarioError } from "../../errors.ts";
import type { RedisAddress } from "./redis-address.ts";

/** From the first attempt to an answer. */
const connectMilliseconds = 2500;
/** The longest pause between two attempts to come back to a Redis that was there before. */
const reconnectMilliseconds = 3000;

/**
 * Connect, once and with a deadline; a connection that is lost later is restored by itself.
 *
 * @throws QueueError that says in one sentence why there is no connection.
 */
export async function connectRedis(address: RedisAddress): Promise<Redis> {
  const { Redis } = await import("ioredis");
  let hasConnected = false;
  const client = new Redis(optionsOf(address, () => hasConnected));
  const reason = await new Promise<string | null>((resolve) => {
    const timer = setTimeout(
      () => resolve(`did not answer within ${connectMilliseconds / 1000} s`),
      connectMilliseconds,
    );
    const settle = (outcome: string | null): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    client.on("error", (error: Error) => settle(reasonOf(error)));
    client
      .connect()
      // A write tells at once what would otherwise be met, and retried, by the queue: no rights, no memory.
      .then(() => client.set("normsim:probe", "", "EX", 1))
      .then(
        () => settle(null),
        // The reason itself comes by the error event, unless the server just closed.
        (error: Error) => setImmediate(() => settle(reasonOf(error))),
      );
  });
  if (reason !== null) {
    client.disconnect();
    throw new QueueError(`${address.shown}: ${reason}`);
  }
  hasConnected = true;
  return client;
}

/** An error of Redis as a QueueError; bad input and QueueErrors stay what they are. */
export function asQueueError(error: unknown, address: RedisAddress): Error {
  if (error instanceof ScenarioError || error instanceof QueueError) return error;
  return new QueueError(`${address.shown}: ${reasonOf(error instanceof Error ? error : new Error())}`);
}

function optionsOf(address: RedisAddress, mayRetry: () => boolean): Omit<RedisOptions, "replyMapping"> {
  const { host, port, username, password, database, isEncrypted } = address;
  return {
    host,
    port,
    db: database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    // RFC 6066: an address is no server name.
    ...(isEncrypted ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
    lazyConnect: true,
    // Commands wait for a connection that is being restored.
    maxRetriesPerRequest: null,
    connectTimeout: connectMilliseconds,
    retryStrategy: (attempt) => (mayRetry() ? Math.min(attempt * 100, reconnectMilliseconds) : null),
  };
}

const replies: readonly (readonly [string, string])[] = [
  ["WRONGPASS", "refuses this user name or password"],
  ["NOAUTH", "wants a password, as in redis://:PASSWORD@host"],
  ["ERR AUTH", "has no password, and was given one"],
  ["NOPERM", "does not let this user do what normsim needs"],
  ["OOM", "has no memory left for more points"],
  ["MISCONF", "cannot write to its disk"],
  ["READONLY", "is a read-only replica"],
  ["LOADING", "is still loading its data"],
];

const codes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections; is Redis running there?",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host, or no name server",
  ETIMEDOUT: "did not answer in time",
  ECONNRESET: "closed the connection; does it expect TLS (rediss://)?",
  EHOSTUNREACH: "cannot be reached",
};

/** Why there is no connection, in words of ours: a client's own may hold the command, and so the password. */
function reasonOf(error: Error): string {
  const reply = replies.find(([start]) => error.message.startsWith(start));
  if (reply !== undefined) return reply[1];
  const { code } = error as NodeJS.ErrnoException;
  const known = codes[code ?? ""];
  if (known !== undefined) return known;
  if (code?.includes("CERT") === true)
    return `its certificate is not trusted (${code}); NODE_EXTRA_CA_CERTS can name further authorities`;
  if (code?.startsWith("ERR_SSL") === true || code === "EPROTO") return "does not speak TLS; try redis://";
  if (code !== undefined) return `cannot be reached (${code})`;
  // The first word of a reply is its kind (redis.io/docs, RESP), and never an argument.
  const kind = /^[A-Z]+(?= )/.exec(error.message)?.[0];
  return kind === undefined ? "closed the connection" : `answers ${kind}`;
}

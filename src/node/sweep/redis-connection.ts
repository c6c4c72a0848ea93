import type { Redis, RedisOptions } from "ioredis";
import { QueueError } from "./queue-error.ts";
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
      .then(() => client.ping())
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

function optionsOf(address: RedisAddress, mayRetry: () => boolean): Omit<RedisOptions, "replyMapping"> {
  const { host, port, username, password, database, isEncrypted } = address;
  return {
    host,
    port,
    db: database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(isEncrypted ? { tls: { servername: host } } : {}),
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
  return code === undefined ? "closed the connection" : `cannot be reached (${code})`;
}

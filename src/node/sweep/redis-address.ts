import { ScenarioError } from "../../errors.ts";

/** Where a Redis is and who asks. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Of an ACL user; absent: the default user. */
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** Over TLS: `rediss://`. */
  readonly isEncrypted: boolean;
  /** The URL without its password, for messages. */
  readonly shown: string;
}

const defaultPort = 6379;

/**
 * Read `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
 *
 * @throws ScenarioError that does not repeat the text: it may hold a password.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = url === undefined ? undefined : /^\/?(\d{1,5})?$/.exec(url.pathname)?.[1];
  const isSound =
    url !== undefined &&
    (url.protocol === "redis:" || url.protocol === "rediss:") &&
    url.hostname !== "" &&
    /^\/?\d{0,5}$/.test(url.pathname) &&
    url.search === "" &&
    url.hash === "";
  if (!isSound) throw badUrl();
  const user = url.username === "" ? "" : `${url.username}@`;
  return {
    // Brackets of an IPv6 address belong to the URL.
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? defaultPort : Number(url.port),
    ...(url.username === "" ? {} : { username: decoded(url.username) }),
    ...(url.password === "" ? {} : { password: decoded(url.password) }),
    database: Number(database ?? 0),
    isEncrypted: url.protocol === "rediss:",
    shown: `${url.protocol}//${user}${url.host}${url.pathname}`,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl();
  }
}

function badUrl(): ScenarioError {
  const message =
    "expected redis://[user:password@]host[:port][/database], or rediss:// for TLS; " +
    "write special characters of a password as %XX";
  return new ScenarioError([{ file: "--redis", path: "", message }]);
}

import { once } from "node:events";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { packageFolder } from "./package-files.ts";

/** The options of `normsim serve`. */
export interface ServeOptions {
  readonly port: number;
  readonly host: string;
}

/** Where `npm run build` puts the page. */
export const pageFolder: string = fileURLToPath(new URL("dist/web/", packageFolder));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Nothing but the page's own files, no inline script or style; kernels are WebAssembly. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; " +
  "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Cross-origin isolation lets the workers share memory. */
const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy": contentSecurityPolicy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** What the build names by its content never changes under its name. */
const caching = (path: string): string =>
  path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";

interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/**
 * Serve the page until SIGINT or SIGTERM, and print its address.
 *
 * @returns the exit code: 0, or 1 if it could not listen.
 */
export async function serve({ port, host }: ServeOptions): Promise<number> {
  const server = pageServer(pageFolder);
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "the port is in use; choose another with --port" : code;
    process.stderr.write(`cannot listen on ${host}:${port}: ${reason}\n`);
    return 1;
  }
  process.stdout.write(`${addressOf(server.address() as AddressInfo)}\n`);
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  await once(server, "close");
  return 0;
}

function addressOf({ address, port, family }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/`;
}

/**
 * A server of the files that are under a folder now. They are read once: a request only ever names an entry of
 * that list, so that no path can lead out of the folder.
 */
export function pageServer(folder: string): Server {
  const files = readPage(folder);
  if (!files.has("/index.html"))
    throw new Error(`${folder} has no index.html: the page is made by npm run build`);
  return createServer((request, response) => answer(files, request, response));
}

/** Files by the path of their address. Links are left out: what they point to may be anywhere. */
function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, entry);
    const type = types[extname(entry)];
    if (type === undefined || hasLink(folder, path) || !lstatSync(path).isFile()) continue;
    files.set(`/${relative(folder, path).split(sep).join("/")}`, { type, bytes: readFileSync(path) });
  }
  return files;
}

/** Whether a path, or a folder above it, is a link. */
function hasLink(folder: string, path: string): boolean {
  const parts = relative(folder, path).split(sep);
  return parts.some((_, index) => lstatSync(join(folder, ...parts.slice(0, index + 1))).isSymbolicLink());
}

function answer(
  files: ReadonlyMap<string, PageFile>,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): void {
  const isRead = method === "GET" || method === "HEAD";
  const path = url!.replace(/\?.*$/s, "");
  const file = files.get(path === "/" ? "/index.html" : path);
  const [status, type, body] = !isRead
    ? [405, "text/plain", Buffer.from("only GET and HEAD\n")]
    : file === undefined
      ? [404, "text/plain", Buffer.from("no such file\n")]
      : [200, file.type, file.bytes];
  const allow = isRead ? {} : { Allow: "GET, HEAD" };
  response.writeHead(status, {
    ...headers,
    ...allow,
    "Cache-Control": status === 200 ? caching(path) : "no-store",
    "Content-Type": type,
    "Content-Length": body.length,
  });
  response.end(method === "HEAD" ? undefined : body);
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageServer } from "../src/node/serve.ts";
import { cli, normsim } from "./support/command.ts";

// Oracle: the folder. What is a file of it is served as it is; whatever else a request names is not.

const secret = "a secret outside the folder";
const around = mkdtempSync(join(tmpdir(), "normsim-serve-"));
let server: Server;
let port: number;

beforeAll(async () => {
  const folder = join(around, "web");
  mkdirSync(join(folder, "assets"), { recursive: true });
  mkdirSync(join(around, "outside"));
  for (const name of ["secret.html", "outside/secret.html"]) writeFileSync(join(around, name), secret);
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  writeFileSync(join(folder, "assets/a.js"), "export {};");
  writeFileSync(join(folder, "assets/notes.txt"), secret);
  symlinkSync(join(around, "secret.html"), join(folder, "link.html"));
  symlinkSync(join(around, "outside"), join(folder, "linked"));
  server = pageServer(folder);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(around, { recursive: true, force: true });
});

/** A request as it is written: fetch would tidy its path. */
async function ask(head: string): Promise<{ status: number; headers: string; body: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.end(`${head}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await once(socket, "close");
  const [headers = "", ...body] = text.split("\r\n\r\n");
  return {
    status: Number(headers.split(" ")[1]),
    headers: headers.toLowerCase(),
    body: body.join("\r\n\r\n"),
  };
}

describe("what is in the folder", () => {
  for (const [path, type, caching] of [
    ["/", "text/html; charset=utf-8", "no-cache"],
    ["/index.html?x=../y", "text/html; charset=utf-8", "no-cache"],
    ["/assets/a.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
  ]) {
    test(`${path} comes isolated, under a policy, and as ${type}`, async () => {
      const { status, headers } = await ask(`GET ${path} HTTP/1.1`);
      expect(status).toBe(200);
      for (const line of [
        `content-type: ${type}`,
        `cache-control: ${caching}\r\n`,
        "cross-origin-opener-policy: same-origin",
        "cross-origin-embedder-policy: require-corp",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval';",
      ])
        expect(headers).toContain(line);
      expect(headers).not.toContain("unsafe-inline");
    });
  }

  test("HEAD gives the headers alone", async () => {
    const { status, headers, body } = await ask("HEAD /assets/a.js HTTP/1.1");
    expect([status, body]).toEqual([200, ""]);
    expect(headers).toContain("content-length: 10");
  });
});

describe("what is not", () => {
  for (const path of [
    "/../secret.html",
    "/..%2fsecret.html",
    "/%2e%2e/secret.html",
    "/assets/..%2f..%2fsecret.html",
    "/..\\secret.html",
    "//etc/passwd",
    "/etc/passwd",
    "/%00",
    "/link.html",
    "/linked/secret.html",
    "/assets/notes.txt",
    "/assets",
    "http://elsewhere/index.html",
  ]) {
    test(`${path} is no file`, async () => {
      const { status, body } = await ask(`GET ${path} HTTP/1.1`);
      expect([status, body]).toEqual([404, "no such file\n"]);
    });
  }

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    test(`${method} is refused`, async () => {
      const { status, headers } = await ask(`${method} / HTTP/1.1`);
      expect(status).toBe(405);
      expect(headers).toContain("allow: get, head");
    });
  }

  test("headers of 100 kB are refused", async () => {
    expect((await ask(`GET / HTTP/1.1\r\nX-Long: ${"a".repeat(100_000)}`)).status).toBe(431);
  });
});

test("a folder without a page says how to make one", () => {
  expect(() => pageServer(join(around, "outside"))).toThrow(/npm run build/);
});

test("normsim serve prints its address, serves the page on loopback and ends with SIGINT", async () => {
  const child = spawn(process.execPath, [cli, "serve", "--port", "0"]);
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  expect(line).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
  const response = await fetch(line.trim());
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("<title>normsim")]);

  const { port: taken } = new URL(line.trim());
  const second = await normsim(["serve", "--port", taken]);
  expect(second.code).toBe(1);
  expect(second.stderr).toBe(
    `cannot listen on 127.0.0.1:${taken}: the port is in use; choose another with --port\n`,
  );

  child.kill("SIGINT");
  expect((await once(child, "exit"))[0]).toBe(0);
});

test("a port that is none is bad input", async () => {
  const { code, stderr } = await normsim(["serve", "--port", "65536"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("0 to 65535")]);
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

// The files are read, not run. Oracle: what a queue needs of its Redis (BullMQ's guide, "Going to
// production": noeviction and append-only file), and what docs.docker.com has for Compose files.

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const { services, volumes } = parse(read("docker-compose.yml"));
const { redis, worker } = services;
const dockerfile = read("Dockerfile");

test("Redis 7 keeps what it accepts, evicts nothing and wants a password", () => {
  expect(redis.image).toMatch(/^redis:7/);
  const command = redis.command.at(-1);
  expect(command).toContain("--appendonly yes");
  expect(command).toContain("--maxmemory-policy noeviction");
  expect(command).toContain('--requirepass "$$REDIS_PASSWORD"');
});

test("the password comes from the environment, and there is no default", () => {
  for (const service of [redis, worker])
    expect(service.environment.REDIS_PASSWORD).toMatch(/^\$\{REDIS_PASSWORD:\?.+\}$/);
});

test("Redis is seen from this machine alone", () => {
  expect(redis.ports).toEqual(["127.0.0.1:6379:6379"]);
  expect(worker.ports).toBeUndefined();
});

test("its data are on a volume", () => {
  const [name, target] = redis.volumes[0].split(":");
  expect(Object.keys(volumes)).toContain(name);
  expect(target).toBe("/data");
});

test("the health check believes PONG, not the exit code", () => {
  expect(redis.healthcheck.test).toEqual([
    "CMD-SHELL",
    expect.stringMatching(/redis-cli ping \| grep -q PONG$/),
  ]);
});

test("workers are several, in a profile, built here, and wait for a healthy Redis", () => {
  expect(worker.profiles).toEqual(["workers"]);
  expect(worker.deploy.replicas).toBeGreaterThanOrEqual(2);
  expect(worker.build).toBe(".");
  expect(worker.depends_on.redis.condition).toBe("service_healthy");
  expect(worker.entrypoint.at(-1)).toMatch(
    /cli\.js worker --redis "redis:\/\/:\$\$REDIS_PASSWORD@redis:6379"$/,
  );
});

test("the image is Node 24, installed from the lock file, and does not run as root", () => {
  expect(dockerfile).toMatch(/^FROM node:24-slim AS build$/m);
  expect(dockerfile).toMatch(/^RUN npm ci$/m);
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile.indexOf("USER node")).toBeLessThan(dockerfile.indexOf("ENTRYPOINT"));
});

test("what is built or installed here does not go into the image", () => {
  expect(read(".dockerignore").split("\n")).toEqual(expect.arrayContaining(["node_modules", "dist", ".git"]));
});

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe, { type AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageServer } from "../src/node/serve.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { firstState, toFragment } from "../src/web/page-state.ts";
import { startChromium } from "./support/chromium.ts";
import { normsim } from "./support/command.ts";

// Oracle: Chromium, and the command line, whose reports the page's have to equal byte for byte.

const built = fileURLToPath(new URL("../dist/web", import.meta.url));
const shots = mkdtempSync(join(tmpdir(), "normsim-page-"));

let browser: Browser;
let isolated: Server;
let plain: Server;
/** For a browser with as many cores as there are ranks. */
let roomy: Server;

beforeAll(async () => {
  browser = await startChromium();
  isolated = pageServer(built);
  // Any static server that does not know about isolation.
  plain = staticServer({});
  const headers = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  };
  roomy = staticServer(headers, (path) =>
    /session\.web-.*\.js$/.test(path)
      ? 'Object.defineProperty(navigator, "hardwareConcurrency", { value: 8 });'
      : "",
  );
  for (const server of [isolated, plain, roomy]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
});

afterAll(async () => {
  await browser?.close();
  rmSync(shots, { recursive: true, force: true });
  for (const server of [isolated, plain, roomy]) {
    server.closeAllConnections();
    server.close();
  }
});

const types = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

/** The built page, with something before the text of some files. */
function staticServer(headers: Record<string, string>, before: (path: string) => string = () => ""): Server {
  return createServer(({ url }, response) => {
    const path = url === "/" ? "/index.html" : url!;
    const type = types[path.split(".").at(-1) as keyof typeof types];
    response.writeHead(200, { ...headers, "Content-Type": type });
    response.end(before(path) + readFileSync(join(built, path), "utf8"));
  });
}

const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

/** Open the page in a state, once everything is there, with what Chromium had to say and asked for. */
async function open(
  fragment = "",
  { server = isolated, ...options }: Parameters<Browser["newPage"]>[0] & { server?: Server } = {},
) {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(`${addressOf(server)}#${fragment}`);
  await settled(page);
  return { page, complaints, requests };
}

/** Until the newest state was run, or refused. */
async function settled(page: Page): Promise<void> {
  await page.locator("main[aria-busy=false]").waitFor();
}

/** Until the run with this seed is shown. */
async function ranSeed(page: Page, seed: string): Promise<void> {
  await page.locator("header .about", { hasText: new RegExp(`seed ${seed}$`) }).waitFor();
}

/** Choose a state in a page that is open, until its scenario is shown. */
async function choose(page: Page, fragment: string, scenario: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(fragment)}`);
  await page.locator("header .about", { hasText: new RegExp(`^${scenario}: `) }).waitFor();
  await settled(page);
}

/** The data of a figure, row by row; rows are made after their details have opened. */
async function cellsOf(page: Page, figure: string): Promise<string[][]> {
  await page.locator(`${figure} summary`).click();
  await page.locator(`${figure} tbody tr`).first().waitFor();
  const cells = "[...row.children].map((cell) => cell.textContent)";
  return await page.evaluate(`[...document.querySelectorAll("${figure} tbody tr")].map((row) => ${cells})`);
}

async function reportIn(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator("button", { hasText: "Download the report" }).click(),
  ]);
  return withoutWall(readFileSync(await download.path(), "utf8"));
}

const withoutWall = (json: string): string => json.replaceAll(/"wallSeconds": [^\n,]+/g, '"wallSeconds": 0');

async function reportOf(text: string, threads: string): Promise<string> {
  const { code, stdout, stderr } = await normsim(["run", "-", "--json", "--quiet", "--threads", threads], {
    input: text,
  });
  expect(code, stderr).toBe(0);
  return withoutWall(stdout);
}

const yamlFragment = (yaml: string): string => toFragment({ ...firstState, yaml });

describe("the same bytes in Chromium's workers, on Node's threads and in process", () => {
  for (const name of [
    "quickstart",
    "uneven-ranks",
    "label-skew",
    "tensor-parallel-layer-norm",
    "padded-sequences",
  ]) {
    test(name, async () => {
      const text = readFileSync(new URL(`../scenarios/${name}.yaml`, import.meta.url), "utf8");
      const { page } = await open("", { server: roomy });
      await choose(page, yamlFragment(text), parseScenario(text, name).name);
      const report = await reportIn(page);
      expect(report).toBe(await reportOf(text, "2"));
      expect(report).toBe(await reportOf(text, "0"));
      expect(await page.locator("footer").textContent()).toMatch(/ in as many Web Workers.* shared memory/);
      await page.close();
    });
  }

  test("the first result, of one worker, which says so", async () => {
    const { page } = await open();
    const text = await page.locator("textarea").inputValue();
    expect(await page.locator("footer").textContent()).toMatch(/first result .* in one Web Worker/);
    expect(await reportIn(page)).toBe(await reportOf(text, "2"));
    await page.close();
  });

  test("more ranks than cores, in turns in one worker after the first result, too", async () => {
    const { page } = await open("data=32");
    await page.fill("[name=seed]", "8");
    await page.keyboard.press("Tab");
    await ranSeed(page, "8");
    expect(await page.locator("footer").textContent()).toMatch(/32 ranks ran in turns in one Web Worker/);
    expect(await reportIn(page)).toBe(await reportOf(await page.locator("textarea").inputValue(), "2"));
    await page.close();
  });

  test("a network that is trained", async () => {
    const text = `name: trained
mesh: { data: 2 }
data: { source: images, samples: 3 }
normalizers: [{ name: SyncBN, type: batch-norm, group: world }, { name: LN, type: layer-norm }]
training: { network: { kind: mlp, hidden: [6] }, steps: 4, optimizer: { type: sgd, learningRate: 0.1 }, testSamples: 8, evaluateEvery: 2 }
`;
    const { page } = await open(yamlFragment(text));
    expect(await reportIn(page)).toBe(await reportOf(text, "2"));
    await page.locator("h2", { hasText: "Inside the network" }).waitFor();
    await page.close();
  });

  test("20 ranks, folded on the same workers run after run", async () => {
    const { page } = await open("data=4&tensor=5&channels=20&positions=[40, 40]&seed=3");
    expect(await page.locator("footer").textContent()).toMatch(/20 ranks ran in \d+ Web Workers, as many as/);
    const first = await reportIn(page);
    for (const seed of ["4", "3"]) {
      await page.fill("[name=seed]", seed);
      await page.keyboard.press("Tab");
      await ranSeed(page, seed);
    }
    expect(await reportIn(page)).toBe(first);
    await page.close();
  });
});

test("a page that may not share memory runs all ranks in one worker, says so, and gives the same bytes", async () => {
  const { page, complaints } = await open("", { server: plain });
  expect(await page.evaluate("crossOriginIsolated")).toBe(false);
  expect(await page.locator("footer").textContent()).toContain("in turns in one Web Worker");
  const text = await page.locator("textarea").inputValue();
  expect(await reportIn(page)).toBe(await reportOf(text, "0"));
  expect(complaints).toEqual([]);
  await page.close();
});

/** Contrast and scrolling are what differs for axe between views. */
const views = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  narrow: { colorScheme: "light", viewport: { width: 360, height: 740 } },
} as const;

for (const [view, options] of Object.entries(views)) {
  test(`opens ${view} without a complaint, a request beyond loopback, sideways scrolling or a serious finding of axe`, async () => {
    const { page, complaints, requests } = await open("poison=3", { ...options, bypassCSP: true });
    await page.locator("h2", { hasText: "What it would cost" }).waitFor();
    const [needed, there] = (await page.evaluate(
      "[document.documentElement.scrollWidth, innerWidth]",
    )) as number[];
    expect(needed).toBeLessThanOrEqual(there!);
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(
      serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`),
    ).toEqual([]);
    const file = join(shots, `${view}.png`);
    await page.screenshot({ path: file, fullPage: true });
    expect(statSync(file).size).toBeGreaterThan(20_000);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(addressOf(isolated)))).toEqual([]);
    await page.close();
  });
}

test("no complaint under the policy that it is served with", async () => {
  const { page, complaints } = await open();
  await page.locator("h2", { hasText: "What it would cost" }).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

describe("the state in the address", () => {
  test("follows the controls, and the back button brings it back", async () => {
    const { page } = await open();
    await ranSeed(page, "7");
    await page.selectOption("[name=data]", "4");
    await page.locator("header .about", { hasText: ": 4 ranks" }).waitFor();
    expect(new URL(page.url()).hash).toBe("#data=4");
    await page.goBack();
    await page.locator("header .about", { hasText: ": 8 ranks" }).waitFor();
    expect(await page.locator("[name=data]").inputValue()).toBe("8");
    await page.close();
  });

  test("reproduces the title and the scenario from a link", async () => {
    const { page } = await open("tensor=4&data=1&show=local,layer");
    const { page: again } = await open(new URL(page.url()).hash.slice(1));
    const seen = async (it: Page) => [
      await it.locator("h1").textContent(),
      await it.locator("textarea").inputValue(),
    ];
    expect(await seen(again)).toEqual(await seen(page));
    // Oracle: the axis rule. Local BN reduces over samples, which lie on one rank; LayerNorm over channels, which do not.
    expect((await seen(page))[0]).toMatch(/^LN sends .* from each rank\.$/);
    await Promise.all([page.close(), again.close()]);
  });
});

test("the scenario is copied as YAML, changed, and run as it was changed", async () => {
  const { page } = await open();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator("button", { hasText: "Copy as YAML" }).click();
  const copied = (await page.evaluate("navigator.clipboard.readText()")) as string;
  expect(copied).toBe(await page.locator("textarea").inputValue());
  await page.fill("textarea", copied.replace("seed: 7", "seed: 12"));
  await page.locator("button", { hasText: "Run this scenario" }).click();
  await ranSeed(page, "12");
  await settled(page);
  expect(await reportIn(page)).toBe(await reportOf(copied.replace("seed: 7", "seed: 12"), "0"));
  await page.close();
});

test("a NaN on rank 3 reaches whoever pools with it: the table has every rank's share", async () => {
  const { page } = await open("poison=3&show=local,sync,group,layer&channels=64");
  const shares = await cellsOf(page, "#contamination-1");
  const reached = (name: string): number[] =>
    shares.filter(([own, , y]) => own === name && y !== "0").map(([, rank]) => Number(rank));
  // Oracle: by hand. One of 64 channels is spoiled wherever statistics are pooled with rank 3's.
  expect(reached("local BN")).toEqual([3]);
  expect(reached("SyncBN")).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(reached("SyncBN/4")).toEqual([0, 1, 2, 3]);
  expect(reached("LN")).toEqual([3]);
  expect(shares.find(([name, rank]) => name === "SyncBN" && rank === "0")![2]).toBe(String(1 / 64));
  // One token of 2 x 49.
  expect(shares.find(([name, rank]) => name === "LN" && rank === "3")![2]).toBe((1 / 98).toPrecision(6));
  await page.close();
});

test("messages are stepped with the keyboard, and every step adds up", async () => {
  const { page } = await open("show=moments&data=4&channels=4&positions=[]");
  await page.locator("button", { hasText: "Next" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("#flow [role=status]", { hasText: /^Step 1 of 6$/ }).waitFor();
  // Oracle: the ring, which reduces in the first 3 steps of 4 ranks and copies in the others; float32 addition.
  const rows = (await cellsOf(page, "#flow")).map((row) =>
    row.map((cell) => Number(cell.replaceAll("−", "-"))),
  );
  expect(rows).toHaveLength(24);
  for (const [step, source, target, , , sent, had, has] of rows) {
    expect(target).toBe((source! + 1) % 4);
    const want = step! <= 3 ? Math.fround(sent! + had!) : sent!;
    expect(Math.abs(has! - want)).toBeLessThanOrEqual(2 ** -22 * (Math.abs(sent!) + Math.abs(had!)));
  }
  await page.close();
});

describe("what cannot be run", () => {
  test("says what is wrong and keeps the last result", async () => {
    const { page } = await open();
    const title = await page.locator("h1").textContent();
    await page.fill("[name=samples]", "[1, 2]");
    await page.keyboard.press("Tab");
    await page.locator("[role=alert]").waitFor();
    expect(await page.locator("[role=alert]").textContent()).toContain("data.samples");
    expect(await page.locator("h1").textContent()).toBe(title);
    await page.close();
  });

  test("right after a change that ran, leaves that one whole: its own charts, too", async () => {
    const { page } = await open();
    await page.locator("h2", { hasText: "What it would cost" }).waitFor();
    await page.evaluate(`new Promise((resolve) => {
      location.hash = "seed=9&data=4";
      const refuse = () => {
        if (document.querySelector("main").ariaBusy !== "true") return void requestAnimationFrame(refuse);
        location.hash = "seed=9&data=4&samples=[1,2]";
        resolve();
      };
      refuse();
    })`);
    await page.locator("[role=alert]").waitFor();
    await ranSeed(page, "9");
    const { page: whole } = await open("seed=9&data=4");
    const titlesOf = async (it: Page): Promise<string[]> => {
      await it.locator("h2", { hasText: "Who communicates on data=4" }).waitFor();
      return await it.locator("figure h3").allTextContents();
    };
    expect(await titlesOf(page)).toEqual(await titlesOf(whole));
    await Promise.all([page.close(), whole.close()]);
  });

  for (const [kind, said] of [
    ["throw", "rank 2: injected fault"],
    ["exit", "rank 2: its worker closed"],
    ["stall", "rank 2: made no progress for 1 s"],
  ]) {
    test(`a rank that fails by ${kind} is named, and the next run is whole`, async () => {
      const { page } = await open("data=4&channels=8");
      const text = await page.locator("textarea").inputValue();
      await page.fill("textarea", `${text}faults: [{ kind: ${kind}, rank: 2 }]\ndeadline: 1s\n`);
      await page.locator("button", { hasText: "Run this scenario" }).click();
      await page.locator("[role=alert]").waitFor();
      expect(await page.locator("[role=alert]").textContent()).toContain(said);
      await page.fill("[name=seed]", "9");
      await page.keyboard.press("Tab");
      await ranSeed(page, "9");
      await page.close();
    });
  }
});

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChromium } from "./support/chromium.ts";
import { normsim } from "./support/command.ts";

// Oracle: Chromium. What it complains about, asks for or cannot show is wrong, whatever the text of the file looks like.

const folder = mkdtempSync(join(tmpdir(), "normsim-html-"));
const fileOf = (name: string): string => join(folder, `${name}.html`);

const hostile = `<script>alert(1)</script> & "quotes" 'n' <img src=x onerror=alert(2)>`;
const hostileScenario = {
  name: hostile,
  mesh: { data: 4 },
  data: { source: "gaussian", samples: 2, channels: 5 },
  normalizers: [
    { name: `${hostile} local`, type: "batch-norm", group: "rank" },
    { name: hostile, type: "batch-norm", group: "world", implementation: "all-reduce-moments" },
  ],
};
const scenarioFile = join(folder, "hostile.json");

const trainedScenario = {
  name: "trained",
  mesh: { data: 2 },
  data: { source: "images", samples: 3 },
  normalizers: [
    { name: "local BN", type: "batch-norm", group: "rank" },
    { name: "SyncBN", type: "batch-norm", group: "world" },
  ],
  training: {
    network: { kind: "mlp", hidden: [6, 5] },
    steps: 4,
    optimizer: { type: "sgd", learningRate: 0.1 },
    testSamples: 8,
    evaluateEvery: 2,
  },
};
const trainedFile = join(folder, "trained.json");

const pages: Readonly<Record<string, readonly string[]>> = {
  run: ["run", "scenarios/quickstart.yaml", "--quiet", "--threads", "0"],
  estimate: [
    "estimate",
    "--model",
    "resnet50",
    "--cluster",
    "dgx-a100",
    "--gpus",
    "64",
    "--microbatch",
    "32",
  ],
  explain: ["explain", "SyncBN", "layer-norm", "--mesh", "data=4"],
  sweep: [
    "sweep",
    scenarioFile,
    "--quiet",
    "--threads",
    "0",
    "--set",
    "data.samples=2,4,8",
    "--set",
    "seed=1,2",
  ],
  training: ["run", trainedFile, "--quiet", "--threads", "0"],
  "training-sweep": ["sweep", trainedFile, "--quiet", "--threads", "0", "--set", "training.steps=2,4"],
};

/** Contrast and scrolling are what differs for axe between views; on a phone the light one is seen too. */
const views = {
  light: { colorScheme: "light", viewport: { width: 1200, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1200, height: 900 } },
  narrow: { colorScheme: "light", viewport: { width: 360, height: 740 } },
} as const;

let browser: Browser;

beforeAll(async () => {
  writeFileSync(scenarioFile, JSON.stringify(hostileScenario));
  writeFileSync(trainedFile, JSON.stringify(trainedScenario));
  browser = await startChromium();
  for (const [name, args] of Object.entries(pages)) {
    const { code, stderr } = await normsim([...args, "--html", fileOf(name)]);
    expect(code, stderr).toBe(0);
  }
}, 120_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Open a file and give what Chromium had to say: messages, errors, requests. */
async function open(name: string, options: Parameters<Browser["newPage"]>[0] = {}) {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => complaints.push(dialog.message()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(`file://${fileOf(name)}`);
  return { page, complaints, requests };
}

async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}

interface Structure {
  readonly figures: number;
  readonly bareDrawings: number;
  readonly bareFigures: number;
  readonly ids: string[];
  readonly addresses: number;
  readonly policy: string;
  readonly style: string;
  readonly scripts: string[];
}

/** Runs in the page. */
const structureOf = `(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const textOf = (id) => document.getElementById(id)?.textContent ?? "";
  return {
    figures: all("figure").length,
    bareDrawings: all("svg").filter((svg) => {
      const names = (svg.getAttribute("aria-labelledby") ?? "").split(" ").map(textOf);
      return svg.getAttribute("role") !== "img" || names.length !== 2 || names.includes("");
    }).length,
    bareFigures: all("figure").filter(
      (it) => !it.querySelector("h3") || !it.querySelector("figcaption") || !it.querySelector("tbody tr"),
    ).length,
    ids: all("[id]").map(({ id }) => id),
    addresses: all("[src], [href], [style], link, iframe, object, img, base, form").length,
    policy: document.querySelector("meta[http-equiv=Content-Security-Policy]").getAttribute("content"),
    style: document.querySelector("style").textContent,
    scripts: all("script").map((script) => script.textContent),
  };
})()`;

describe.each(Object.keys(pages))("the page of %s", (name) => {
  for (const [view, options] of Object.entries(views)) {
    test(`opens ${view} without a complaint, a request, sideways scrolling or a serious finding of axe`, async () => {
      const { page, complaints, requests } = await open(name, options);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([`file://${fileOf(name)}`]);
      const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
      expect((widths as number[])[0]).toBeLessThanOrEqual((widths as number[])[1]!);
      if (view !== "light") expect(await seriousFindings(page)).toEqual([]);
      const file = join(folder, `${name}-${view}.png`);
      await page.screenshot({ path: file, fullPage: true });
      expect(statSync(file).size).toBeGreaterThan(10_000);
      await page.close();
    });
  }

  test("has a name, a description and the data of every drawing, unique ids and no address", async () => {
    const { page } = await open(name);
    const structure = (await page.evaluate(structureOf)) as Structure;
    const hash = (text: string): string => createHash("sha256").update(text).digest("base64");
    expect(structure).toMatchObject({ bareDrawings: 0, bareFigures: 0, addresses: 0 });
    expect(structure.figures).toBeGreaterThanOrEqual(2);
    expect(new Set(structure.ids).size).toBe(structure.ids.length);
    expect(structure.scripts).toHaveLength(1);
    expect(structure.policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash(structure.style)}'; script-src 'sha256-${hash(structure.scripts[0]!)}'; ` +
        "base-uri 'none'; form-action 'none'",
    );
    await page.close();
  });
});

describe("the steps of a schedule", () => {
  const shownSteps =
    "[...document.querySelectorAll('.step')].filter((it) => it.getClientRects().length > 0).length";

  test("are shown one at a time, moved by buttons and arrow keys", async () => {
    const { page } = await open("run");
    const status = page.locator("[role=status]");
    expect(await page.evaluate(shownSteps)).toBe(1);
    await page.locator("button", { hasText: "Next" }).click();
    expect(await status.textContent()).toBe("Step 1 of 7");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    expect(await status.textContent()).toBe("Step 2 of 7");
    await page.close();
  });

  test("play to the end and stop there", async () => {
    const { page } = await open("run");
    await page.clock.install();
    await page.locator("button", { hasText: "Play" }).click();
    await page.clock.runFor(60_000);
    expect(await page.locator("[role=status]").textContent()).toBe("Step 7 of 7");
    expect(await page.locator("button").allTextContents()).toEqual(["Previous", "Play", "Next"]);
    await page.close();
  });

  test("are all there without scripts, and in print", async () => {
    const { page: scriptless } = await open("run", { javaScriptEnabled: false });
    expect(await scriptless.locator(".step:visible").count()).toBe(8);
    expect(await scriptless.locator("button").count()).toBe(0);
    const { page: printed } = await open("run");
    await printed.emulateMedia({ media: "print" });
    expect(await printed.evaluate(shownSteps)).toBe(8);
    expect(await printed.locator("button:visible").count()).toBe(0);
    await Promise.all([scriptless.close(), printed.close()]);
  });
});

test("a sweep of training charts the test error, which training has", async () => {
  const { page } = await open("training-sweep");
  const titles = await page.locator("figure h3").allTextContents();
  expect(titles).toHaveLength(2);
  expect(titles.join()).not.toMatch(/NaN|not finite|No choice/);
  expect(titles[1]).toMatch(
    /^(From training\.steps 2 to 4, the test error of|training\.steps changes no normaliser's test error)/,
  );
  await page.close();
});

test("names from files are text, wherever they stand", async () => {
  await normsim(["run", scenarioFile, "--quiet", "--threads", "0", "--html", fileOf("hostile")]);
  const { page, complaints } = await open("hostile");
  expect(await page.locator("h1").textContent()).toBe(hostile);
  expect(await page.locator(".overview").textContent()).toContain(`${hostile} local`);
  expect(await page.locator("svg > desc", { hasText: hostile }).count()).toBeGreaterThan(0);
  expect(await page.locator("main script, main img").count()).toBe(0);
  expect(complaints).toEqual([]);
  await page.close();
});

test("the same input gives the same bytes on any number of threads", async () => {
  const bytes = [];
  for (const threads of ["1", "2"]) {
    const file = join(folder, `threads-${threads}.html`);
    await normsim(["run", "scenarios/quickstart.yaml", "--quiet", "--threads", threads, "--html", file]);
    bytes.push(readFileSync(file, "utf8"));
  }
  expect(bytes).toEqual(bytes.map(() => readFileSync(fileOf("run"), "utf8")));
});

test("the command that a page names makes the page", async () => {
  const { page } = await open("estimate");
  const command = (await page.locator("footer pre").textContent())!;
  const file = join(folder, "again.html");
  await normsim([...command.split(" ").slice(1), "--html", file]);
  expect(readFileSync(file, "utf8")).toBe(readFileSync(fileOf("estimate"), "utf8"));
  await page.close();
});

test("a page that cannot be written is refused before anything runs", async () => {
  const { code, stderr } = await normsim([
    "run",
    "scenarios/quickstart.yaml",
    "--html",
    join(folder, "none", "x.html"),
  ]);
  expect([code, stderr]).toEqual([
    2,
    `--html ${join(folder, "none", "x.html")}: cannot be written (ENOENT)\n`,
  ]);
});

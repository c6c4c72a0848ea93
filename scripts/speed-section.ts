// Prints README.md with its section on speed made anew from test/bench/figures.json.
//   npm run figures      measures, and makes it
//   npm run docs         makes it from the figures that are there
import { readFileSync } from "node:fs";
import type { Figures } from "../test/bench/figures.ts";

/** Contests that share a row, by their titles. */
const rows: readonly (readonly [what: string, titles: RegExp])[] = [
  ["mean and m2 of 25 MB", /^moments /],
  ["BatchNorm, forward", /^batch-norm forward /],
  ["BatchNorm, backward", /^batch-norm backward /],
  ["LayerNorm, forward", /^layer-norm forward /],
  ["LayerNorm, backward", /^layer-norm backward /],
  ["all-reduce between 2 ranks", /^all-reduce .* 2 ranks$/],
  ["all-reduce between 8 ranks", /^all-reduce .* 8 ranks$/],
  ["simulated ring of 1024 ranks, nothing shared", /^ring all-reduce, /],
  ["simulated ring of 1024 ranks, links shared", /^scattered ring, /],
  ["simulated recursive doubling, 1024 ranks", /^recursive doubling, /],
];

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const { machine, figures } = JSON.parse(read("test/bench/figures.json")) as Figures;

function rowsOf(): string[] {
  const stray = figures.find(({ title }) => !rows.some(([, titles]) => titles.test(title)));
  if (stray !== undefined) throw new Error(`no row for "${stray.title}"`);
  return rows.flatMap(([what, titles]) => {
    const own = figures.filter(({ title }) => titles.test(title));
    if (own.length === 0) return [];
    const ratios = own.map(({ ratio }) => ratio!);
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) =>
      ratio < 100 ? ratio.toPrecision(2) : Math.round(ratio).toString(),
    );
    return `| ${what} | ${own[0]!.peer} | ${least === most ? least : `${least} to ${most}`} |`;
  });
}

const section = `## Speed

How many times as fast as a peer that does the same job, in turns with it on one machine, medians; below 1 the peer is faster.
A range is over shapes and sizes: [figures.json](test/bench/figures.json) has each, and the times.

| what | peer | times as fast |
|---|---|---|
${rowsOf().join("\n")}

On ${machine.processor}, ${machine.cores} cores, Node ${machine.node}. \`npm run figures\` measures all of it on yours and makes this section
anew; it needs gcc and g++, and Debian's python3-torch, libopenmpi-dev and libsimgrid-dev. \`npm run bench:peers\` only measures, \`npm run bench\`
times this program alone; all store their figures as JSON, with what the machine is.

`;

const readme = read("README.md");
const start = readme.indexOf("## Speed\n");
const end = readme.indexOf("\n## ", start) + 1;
if (start === -1 || end === 0) throw new Error("README.md has no section on speed with another after it");
process.stdout.write(readme.slice(0, start) + section + readme.slice(end));

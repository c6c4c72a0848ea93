import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";

/** What was measured, in wall seconds, and where there is a peer how many times as fast as it. */
export interface Figure {
  readonly title: string;
  readonly wallSeconds: number;
  readonly peer?: string;
  readonly peerWallSeconds?: number;
  readonly ratio?: number;
  readonly goal?: number;
}

/** A file of figures. They are of this machine, and say nothing about another. */
export interface Figures {
  readonly machine: typeof machine;
  readonly figures: readonly Figure[];
}

const machine = {
  processor: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryBytes: totalmem(),
  system: `${platform()} ${release()} ${arch()}`,
  node: process.version,
};

/** Print what the figures are of. */
export function printMachine(): void {
  console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}\n`);
}

/** Store figures as JSON where `--out` says, or in bench-results of the working directory. */
export function saveFigures(name: string, figures: readonly Figure[]): void {
  const { values } = parseArgs({ options: { out: { type: "string" } } });
  const path = resolve(values.out ?? `bench-results/${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ machine, figures } satisfies Figures, null, 2)}\n`);
  console.log(`\nstored as ${path}`);
}

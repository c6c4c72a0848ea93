import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { Digest, Origin } from "../report/html/report-page.ts";
import { engineVersion } from "./sweep/engine-version.ts";

const digest: Digest = (text) => createHash("sha256").update(text).digest("base64");

/** Write a page into a file. `page` makes it from a digest and its origin, whose command has these arguments. */
export function writeHtml(
  file: string,
  args: readonly string[],
  page: (origin: Origin, digest: Digest) => string,
): void {
  const command = ["normsim", ...args].map(quoted).join(" ");
  writeFileSync(file, page({ version: engineVersion, command }, digest));
}

/** A word as a shell reads it. */
function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Options as a person writes them: `stepTime` is `--step-time`; what is undefined was not given. */
export function optionsOf(given: Readonly<Record<string, string | number | undefined>>): string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [`--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, `${value}`];
  });
}

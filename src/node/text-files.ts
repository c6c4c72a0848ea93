import { readFileSync } from "node:fs";
import { ScenarioError } from "../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "is a folder, expected a file",
  EACCES: "is not readable by this user",
};

/** @throws ScenarioError if the file cannot be read. */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = reasons[code ?? ""] ?? `cannot be read (${code})`;
    throw new ScenarioError([{ file: path, path: "", message }], { cause: error });
  }
}

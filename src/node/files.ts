import { closeSync, openSync, readFileSync } from "node:fs";
import { type Fault, ScenarioError } from "../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "is a folder, expected a file",
  EACCES: "is not readable by this user",
};

/** The bytes of a file, or why there are none; `whereToLook` is added where there is no such file. */
export function readBytes(path: string, name: string, whereToLook = ""): Uint8Array | Fault {
  try {
    return readFileSync(path);
  } catch (error) {
    return fileFault(error, name, whereToLook);
  }
}

/** What the system's error says about a file. */
export function fileFault(error: unknown, name: string, whereToLook = ""): Fault {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const reason = reasons[code] ?? `cannot be read (${code})`;
  return { file: name, path: "", message: code === "ENOENT" ? `${reason}${whereToLook}` : reason };
}

/** @throws ScenarioError if the file cannot be read. */
export function readTextFile(path: string, whereToLook = ""): string {
  const bytes = readBytes(path, path, whereToLook);
  if (bytes instanceof Uint8Array) return new TextDecoder().decode(bytes);
  throw new ScenarioError([bytes]);
}

/**
 * See that files can be written, before hours of work depend on it.
 *
 * @param outputs paths by the option that names them.
 * @throws ScenarioError with those that cannot.
 */
export function checkWritable(outputs: Readonly<Record<string, string | undefined>>): void {
  const faults = Object.entries(outputs).flatMap(([name, path]) => {
    if (path === undefined) return [];
    try {
      closeSync(openSync(path, "a"));
      return [];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return [{ file: `--${name} ${path}`, path: "", message: `cannot be written (${code})` }];
    }
  });
  if (faults.length > 0) throw new ScenarioError(faults);
}

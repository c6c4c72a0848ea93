import { existsSync } from "node:fs";

/** The folder of package.json. This file is at another depth below it as source, as it is compiled and in the bundled command. */
export const packageFolder: URL = nearestPackage(new URL("./", import.meta.url));

function nearestPackage(folder: URL): URL {
  return existsSync(new URL("package.json", folder)) ? folder : nearestPackage(new URL("../", folder));
}

/** Where a worker thread starts, and what Node has to be told for it: from source, tsx has to compile it. */
export function workerEntry(name: "rank" | "sweep"): {
  readonly url: URL;
  readonly options: { readonly execArgv?: string[] };
} {
  const isSource = import.meta.url.endsWith(".ts");
  const url = new URL(`../../workers/${name}.${isSource ? "ts" : "js"}`, import.meta.url);
  return { url, options: isSource ? { execArgv: ["--import", "tsx"] } : {} };
}

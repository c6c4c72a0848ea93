import { readFileSync } from "node:fs";
import { packageFolder } from "../package-files.ts";

const text = readFileSync(new URL("package.json", packageFolder), "utf8");

/** Version of this normsim: what its package.json says. */
export const engineVersion: string = (JSON.parse(text) as { readonly version: string }).version;

import { readFileSync } from "node:fs";

// From source and from dist the package is at another depth.
const depth = import.meta.url.endsWith(".ts") ? "../../../" : "../../../../";
const text = readFileSync(new URL(`${depth}package.json`, import.meta.url), "utf8");

/** Version of this normsim: what its package.json says. */
export const engineVersion: string = (JSON.parse(text) as { readonly version: string }).version;

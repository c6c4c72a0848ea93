// Compiles the AssemblyScript kernels and writes them, in base64, as a module: the core loads no files.
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const folder = fileURLToPath(new URL("../src/kernels/assembly/", import.meta.url));
const output = fileURLToPath(new URL("../src/kernels/kernels-wasm.ts", import.meta.url));
const sources = [fileURLToPath(import.meta.url), ...readdirSync(folder).map((name) => `${folder}${name}`)];
const modified = (path) => statSync(path).mtimeMs;

if (!existsSync(output) || sources.some((path) => modified(path) > modified(output))) {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      ...[
        "src/kernels/assembly/kernels.ts",
        "--outFile",
        "kernels.wasm",
        "-O3",
        "--noAssert",
        "--runtime",
        "stub",
      ],
      ...["--enable", "simd,threads", "--importMemory", "--sharedMemory", "--maximumMemory", "65536"],
      ...["--initialMemory", "1"],
    ],
    { writeFile: (name, contents) => files.set(name, contents) },
  );
  if (error) {
    process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
    process.exit(1);
  }
  const base64 = Buffer.from(files.get("kernels.wasm")).toString("base64");
  writeFileSync(
    output,
    `/** The compiled kernels, made by scripts/build-kernels.mjs. */\nexport const kernelsWasm: string =\n  "${base64}";\n`,
  );
}

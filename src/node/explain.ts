import { toAscii } from "../explain/ascii.ts";
import { type Block, blocksOf } from "../explain/blocks.ts";
import { explain as explainNormalizers } from "../explain/explain.ts";
import { explainPage } from "../report/html/explain-page.ts";
import { alignColumns } from "./columns.ts";
import { checkWritable } from "./files.ts";
import { writeHtml } from "./html.ts";
import { terminalWidth, wrap } from "./terminal-text.ts";

/** The options of `normsim explain`. */
export interface ExplainOptions {
  /** `data=4,tensor=1,sequence=1`. */
  readonly mesh: string;
  readonly json?: boolean;
  /** File for a page with charts. */
  readonly html?: string;
  /** No character beyond ASCII. */
  readonly ascii?: boolean;
}

/** Explain normalisers and write what the options ask for. */
export async function explain(
  normalizers: readonly string[],
  { mesh, json, ascii, html }: ExplainOptions,
): Promise<void> {
  checkWritable({ html });
  const explanation = await explainNormalizers({ normalizers, mesh });
  if (html !== undefined)
    writeHtml(html, ["explain", ...normalizers, "--mesh", mesh], (origin, digest) =>
      explainPage(explanation, origin, digest),
    );
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ normalizers: explanation.normalizers }, null, 2)}\n`);
    return;
  }
  const blocks = blocksOf(explanation, ascii === true ? toAscii : undefined);
  process.stdout.write(`${blocks.map(render).join("\n\n")}\n`);
}

function render(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `== ${block.text} ==`;
    case "paragraph":
      return wrap(block.text, terminalWidth()).join("\n");
    case "lines":
      return block.lines.join("\n");
    case "table":
      return alignColumns(block.rows, block.leftCount);
  }
}

import { readFileSync } from "node:fs";

/** A command that pages say to type, and what they say it prints. */
export interface DocumentedCommand {
  /** Words after `normsim`. */
  readonly args: readonly string[];
  /** Quotes of its output: pieces of whole lines, in order. */
  readonly quotes: { readonly page: string; readonly pieces: readonly string[] }[];
}

/**
 * The commands of Markdown pages, each once: lines `npx normsim ...` of ```sh blocks, up to a comment. A ```text block quotes
 * the last command before it; its lines `...` part its pieces. Blocks in other languages are for readers, or for a test of
 * their own, and so is what is quoted of them: ```console needs minutes, or a Redis.
 */
export function commandsOf(pages: readonly string[]): DocumentedCommand[] {
  const commands = new Map<string, DocumentedCommand>();
  for (const page of pages) {
    let last: DocumentedCommand | undefined;
    for (const { language, content } of blocksOf(page)) {
      if (language === "text") last?.quotes.push({ page, pieces: content.split(/^\.\.\.\n/m) });
      else last = undefined;
      if (language !== "sh") continue;
      for (const [, words] of content.matchAll(/^npx normsim (.+?)(?: +#.*)?$/gm)) {
        last = commands.get(words!) ?? { args: argumentsOf(words!), quotes: [] };
        commands.set(words!, last);
      }
    }
  }
  return [...commands.values()];
}

/** The fenced blocks of a page. */
export function blocksOf(page: string): { readonly language: string; readonly content: string }[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  const blocks = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return Array.from(blocks, ([, language, content]) => ({ language: language!, content: content! }));
}

/** Words as a shell splits them. */
function argumentsOf(words: string): string[] {
  return words.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ""));
}

/** The first piece that does not stand in the output behind those before it; undefined: all do. */
export function missingPiece(output: string, pieces: readonly string[]): string | undefined {
  let rest = `\n${output}`;
  for (const piece of pieces) {
    const at = rest.indexOf(`\n${piece}`);
    if (at < 0) return piece;
    rest = rest.slice(at + piece.length);
  }
  return undefined;
}

import { readFileSync } from "node:fs";

/** A command that a page says to type, and what the page says it prints. */
export interface DocumentedCommand {
  /** Words after `normsim`. */
  readonly args: readonly string[];
  /** Quotes of its output: pieces of whole lines, in order. */
  readonly quotes: (readonly string[])[];
}

/**
 * The commands of a Markdown page, each once: lines `npx normsim ...` of ```sh blocks. A ```text block quotes the last
 * command before it; its lines `...` part its pieces. Blocks in ```console are for readers only, and so is what is quoted
 * of them: they need minutes, or a Redis.
 */
export function commandsOf(page: string): DocumentedCommand[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  const commands = new Map<string, DocumentedCommand>();
  let last: DocumentedCommand | undefined;
  for (const [, language, content] of text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (language === "console") last = undefined;
    if (language === "sh") {
      for (const [, words] of content!.matchAll(/^(?:npx normsim|npm ci && npm) (.+)$/gm)) {
        last = commands.get(words!) ?? { args: argumentsOf(words!), quotes: [] };
        commands.set(words!, last);
      }
    }
    if (language === "text") last?.quotes.push(content!.split(/^\.\.\.\n/m));
  }
  return [...commands.values()];
}

/** Words as a shell splits them; `npm start` is the scenario that it runs. */
function argumentsOf(words: string): string[] {
  if (words === "start") return ["run", "scenarios/quickstart.yaml"];
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

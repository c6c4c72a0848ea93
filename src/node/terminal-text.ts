/** A text for a terminal never needs more columns; where nobody says how wide it is, this is assumed. */
export const widthMaximum = 100;

/** Columns of the terminal that stdout is, or the most a text needs. */
export function terminalWidth(): number {
  return Math.min(process.stdout.columns ?? widthMaximum, widthMaximum);
}

/** Break a text at blanks, but not before a unit, into lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/ (?!(?:%|[µm]?s|[KMGT]?i?B)\b|%)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

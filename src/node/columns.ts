/** Rows of cells as lines, every column as wide as its widest cell; the first `leftCount` aligned left. */
export function alignColumns(rows: readonly (readonly string[])[], leftCount = 0): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column < leftCount ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

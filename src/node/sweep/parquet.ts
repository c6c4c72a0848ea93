import { parquetWriteBuffer } from "hyparquet-writer";
import type { SweepColumn } from "../../sweep/table.ts";

/**
 * A sweep's figures as a Parquet file: numbers as DOUBLE, truths as BOOLEAN, the rest as text. A column that
 * mixes them (`group: 4` beside `group: world`) is text; every column may hold nulls.
 */
export function sweepParquet(columns: readonly SweepColumn[]): Uint8Array {
  const columnData = columns.map(({ name, values }) => {
    const type = parquetType(values);
    const data =
      type === "STRING" ? values.map((value) => (value === null ? null : String(value))) : [...values];
    return { name, type, data, nullable: true } as const;
  });
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: "normsim" }));
}

function parquetType(values: SweepColumn["values"]): "DOUBLE" | "BOOLEAN" | "STRING" {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  if (kinds.size !== 1) return kinds.size === 0 ? "DOUBLE" : "STRING";
  if (kinds.has("number")) return "DOUBLE";
  return kinds.has("boolean") ? "BOOLEAN" : "STRING";
}

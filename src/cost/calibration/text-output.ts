import { type BenchmarkRow, type BenchmarkRun, operationOfProgram, versionOfCode } from "./benchmark-run.ts";

/** Columns of the table that are read: those out of place, then those in place. */
type Columns = readonly (readonly [time: number, algorithmBandwidth: number, busBandwidth: number])[];

/** Where nccl-tests 2.0 to 2.17 put them, counted from the left, if no heading says so. */
const usualColumns: Columns = [
  [5, 6, 7],
  [9, 10, 11],
];

/** What mpirun --tag-output and slurm --label put before a line. */
const launcherPrefix = /^\s*(?:\[\d+,\d+\]<std\w+>:|\d+:)\s?/;

/** Read what nccl-tests prints, also with other output around it. */
export function readTextOutput(text: string, file: string): BenchmarkRun {
  const lines = text.split(/\r?\n/).map((line) => line.replace(launcherPrefix, ""));
  const rows: BenchmarkRow[] = [];
  const hosts = new Set<string>();
  let columns = usualColumns;
  let ranks = 0;
  let device: string | undefined;
  let program: string | undefined;
  let versionCode: string | undefined;
  lines.forEach((line, index) => {
    const rank = /^#\s+Rank\s+\d+\s.*\son\s+(\S+)\s+device\s+\d+\s+\[[^\]]*\]\s*(.*)$/.exec(line);
    if (rank) {
      ranks++;
      hosts.add(rank[1]!);
      device ??= rank[2]!.trim();
    }
    program ??= /(\w+_perf)\b/.exec(line)?.[1];
    versionCode ??= /nccl-library=(\d+)/.exec(line)?.[1];
    columns = columnsOf(line) ?? columns;
    rows.push(...rowsOf(line, columns, index + 1));
  });
  return {
    file,
    operation: program === undefined ? undefined : operationOfProgram(program),
    nodes: hosts.size || undefined,
    ranks: ranks || undefined,
    device,
    ncclVersion: versionCode === undefined ? undefined : versionOfCode(Number(versionCode)),
    rows,
  };
}

/** Columns as a heading names them: `# size count type redop root time algbw busbw #wrong time algbw ...`. */
function columnsOf(line: string): Columns | undefined {
  const titles = line.replace(/^#\s*/, "").trim().split(/\s+/);
  if (!line.startsWith("#") || titles[0] !== "size") return undefined;
  const found = titles.flatMap((title, index) =>
    /^(cpu)?time$/.test(title) && titles[index + 1] === "algbw" && titles[index + 2] === "busbw"
      ? [[index, index + 1, index + 2] as const]
      : [],
  );
  return found.length > 0 ? found : undefined;
}

function rowsOf(line: string, columns: Columns, number: number): BenchmarkRow[] {
  const cells = line.trim().split(/\s+/);
  const isRow = /^\d+$/.test(cells[0]!) && /^\d+$/.test(cells[1] ?? "") && cells.length > columns[0]![2];
  if (!isRow || Number(cells[0]) === 0) return [];
  return columns.flatMap(([time, algorithm, bus]) => {
    const [microseconds, algorithmBandwidth, busBandwidth] = [time, algorithm, bus].map((i) =>
      Number(cells[i] ?? Number.NaN),
    ) as [number, number, number];
    const isWritten = [microseconds, algorithmBandwidth, busBandwidth].every((value) => !Number.isNaN(value));
    const row = { bytes: Number(cells[0]), seconds: microseconds / 1e6, algorithmBandwidth, busBandwidth };
    return isWritten ? [{ ...row, line: number }] : [];
  });
}

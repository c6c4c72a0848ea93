import type { FailureRecord, RankState } from "../errors.ts";
import type { InjectedFault } from "../scenario/injected-fault.ts";
import { isDelay } from "../scenario/injected-fault.ts";
import { formatSeconds } from "./format.ts";
import type { Column, Overview } from "./overview.ts";

const columns: readonly (Column & { readonly cell: (state: RankState) => string })[] = [
  { title: "doing", isNumeric: false, dispensability: 4, cell: ({ step }) => step },
  { title: "call", isNumeric: true, dispensability: 3, cell: ({ sequence }) => shown(sequence) },
  { title: "collective", isNumeric: false, dispensability: 0, cell: collective },
  { title: "payload", isNumeric: false, dispensability: 0, cell: payload },
  { title: "among", isNumeric: false, dispensability: 2, cell: ({ call }) => rankRanges(call?.group ?? []) },
  { title: "step", isNumeric: true, dispensability: 1, cell: ({ scheduleStep }) => shown(scheduleStep) },
];

/** So many ranks have a row each; of more, those that differ in no more than whom they wait for share one. */
const rowsMaximum = 16;

/** What every rank was doing when a run failed, as PyTorch's flight recorder has it. */
export function failureTable({ states }: FailureRecord): Pick<Overview, "columns" | "rows"> {
  const rows = new Map<string, { ranks: number[]; awaited: number[]; cells: string[] }>();
  for (const state of states) {
    const cells = columns.map(({ cell }) => cell(state));
    const key = states.length <= rowsMaximum ? `${state.rank}` : cells.join("\n");
    const row = rows.get(key) ?? { ranks: [], awaited: [], cells };
    row.ranks.push(state.rank);
    if (state.awaitedRank !== null) row.awaited.push(state.awaitedRank);
    rows.set(key, row);
  }
  return {
    columns: [
      { title: "rank", isNumeric: false, dispensability: 0 },
      ...columns,
      { title: "waits for", isNumeric: false, dispensability: 0 },
    ],
    rows: [...rows.values()].map(({ ranks, awaited, cells }) => [
      rankRanges(ranks),
      ...cells,
      rankRanges([...new Set(awaited)].sort((a, b) => a - b)),
    ]),
  };
}

const shown = (value: number | null): string => (value === null ? "" : `${value}`);

const isCollective = ({ call }: RankState): boolean => call !== null && call.operation !== "leave";

function collective({ call }: RankState): string {
  if (call === null) return "none yet";
  return call.operation === "leave" ? "left the pass" : call.operation;
}

function payload(state: RankState): string {
  return isCollective(state) ? `${state.call!.values} ${state.call!.format}` : "";
}

/** `0-2, 4`. */
function rankRanges(ranks: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const rank of ranks) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === rank - 1) last[1] = rank;
    else ranges.push([rank, rank]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}

/** Who the ranks waited for in a run with ranks that are late on purpose, in a sentence; null in any other. */
export function stragglerNote(
  faults: readonly InjectedFault[],
  awaitedSeconds: readonly number[],
): string | null {
  if (!faults.some(isDelay)) return null;
  const most = Math.max(...awaitedSeconds);
  if (most === 0) return "nobody was seen to wait for a late rank: on one thread, ranks wait together";
  const others = awaitedSeconds.reduce((sum, seconds) => sum + seconds, 0) - most;
  const rank = awaitedSeconds.indexOf(most);
  return `straggler: rank ${rank}: other threads waited ${formatSeconds(most)} for it, ${formatSeconds(others)} for all other ranks`;
}

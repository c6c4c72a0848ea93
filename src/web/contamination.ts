import type { CompletedPass } from "../engine/coordinator.ts";
import { nonFiniteOf } from "../engine/non-finite.ts";
import { plural } from "../report/format.ts";
import { type Chart, narrowWidth } from "../report/html/chart.ts";
import { number } from "../report/html/figures.ts";
import type { Element } from "../report/html/markup.ts";
import { box, label, shortened } from "../report/html/shapes.ts";

/** How much of one normaliser's outputs is NaN or infinite. */
export interface Contamination {
  readonly normalizer: string;
  /** Of y, one per rank; 0 on an empty rank. */
  readonly outputShares: readonly number[];
  /** Of dx. */
  readonly gradientShares: readonly number[];
}

/** What a completed pass left behind; `backward` says whether dx was computed. */
export function contaminationOf(
  { ranks }: CompletedPass,
  normalizer: string,
  backward: boolean,
): Contamination {
  const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
  const counts = ranks.map((rank) => nonFiniteOf(rank, backward));
  return {
    normalizer,
    outputShares: ranks.map(({ y }, rank) => share(counts[rank]!.y, y.length)),
    gradientShares: ranks.map(({ dx }, rank) => share(counts[rank]!.dx, dx.length)),
  };
}

/** Ranks with at least one such value in y or dx. */
export function reachedRanks({ outputShares, gradientShares }: Contamination): number[] {
  return outputShares.flatMap((share, rank) => (share > 0 || gradientShares[rank]! > 0 ? [rank] : []));
}

const rowHeight = 30;
const gutter = 118;
/** Ranks that are drawn. */
const drawnMaximum = 32;

/** Where NaN and infinities got to: one row a normaliser, one cell a rank. */
export function contaminationChart(all: readonly Contamination[]): Chart {
  const worldSize = all[0]!.outputShares.length;
  const drawn = Math.min(worldSize, drawnMaximum);
  const side = (narrowWidth - gutter) / drawn;
  const cells = all.flatMap(({ normalizer, outputShares }, row): Element[] => [
    label(gutter - 8, 24 + row * rowHeight + 18, shortened(normalizer, 15), "end", "tick"),
    ...outputShares.slice(0, drawn).flatMap((share, rank) => {
      const [x, y] = [gutter + rank * side, 24 + row * rowHeight];
      const size = Math.max(1, side - 2);
      const text =
        drawn <= 8 && share > 0 ? [label(x + size / 2, y + 17, number(100 * share, 2), "middle")] : [];
      return [box(x, y, size, rowHeight - 4, share > 0 ? "reached" : "empty"), ...text];
    }),
  ]);
  const every = Math.ceil(drawn / 16);
  return {
    title: `${all.map((it) => `${it.normalizer}: ${reachedRanks(it).length} of ${worldSize}`).join("; ")} ranks reached.`,
    description: `One row per normaliser, one cell per rank, filled where any of y is not finite.`,
    caption:
      "Percent of each rank's y that is NaN or infinite in the last training step; filled: not zero." +
      (drawn < worldSize ? ` Drawn: the first ${plural(drawn, "rank")}; the table has all.` : ""),
    drawing: {
      width: narrowWidth,
      height: 30 + all.length * rowHeight,
      content: [
        ...Array.from({ length: drawn }, (_, rank) => rank)
          .filter((rank) => rank % every === 0)
          .map((rank) => label(gutter + (rank + 0.5) * side, 16, `${rank}`, "middle", "tick")),
        label(gutter - 8, 16, "rank", "end", "axis-label"),
        ...cells,
      ],
    },
    table: {
      columns: ["normaliser", "rank", "share of y", "share of dx"],
      rows: all.flatMap(({ normalizer, outputShares, gradientShares }) =>
        outputShares.map((share, rank) => [
          normalizer,
          `${rank}`,
          number(share),
          number(gradientShares[rank]!),
        ]),
      ),
    },
  };
}

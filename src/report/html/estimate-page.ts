import type { Estimate } from "../../cost/estimate/estimate.ts";
import type { Slice } from "../../cost/timeline/streams.ts";
import { summaryOf } from "../estimate-summary.ts";
import { plural } from "../format.ts";
import { breakdownChart, groupsChart, layersChart, stepChart, streamsChart } from "./estimate-charts.ts";
import {
  chartSection,
  type Digest,
  listOf,
  type Origin,
  overviewTable,
  paragraph,
  section,
  writePage,
} from "./report-page.ts";

/** What a page about an estimate is made of. */
export interface EstimatePage {
  readonly estimate: Estimate;
  /** The synchronised step of the rank that stands for all. */
  readonly slices: readonly Slice[];
  readonly origin: Origin;
}

/** An estimate as one HTML file. */
export function estimatePage({ estimate, slices, origin }: EstimatePage, digest: Digest): string {
  const { heading, steps, groups, advice, notes } = summaryOf(estimate);
  const { model, cluster, gpus } = estimate;
  const isSynchronized = estimate.syncBatchNorm.group > 1 && estimate.layers.length > 0;
  return writePage(
    {
      title: `SyncBN for ${model} on ${plural(gpus, "GPU")} of ${cluster}`,
      about: heading,
      origin,
      content: [
        paragraph(advice, "lead"),
        overviewTable(steps),
        listOf(notes, "legend"),
        chartSection("What it costs", "cost", [
          stepChart(estimate),
          ...(isSynchronized ? [breakdownChart(estimate), layersChart(estimate)] : []),
          groupsChart(estimate),
        ]),
        section(groups.heading, overviewTable(groups)),
        chartSection("One training step", "step", [streamsChart(estimate, slices)]),
      ],
    },
    digest,
  );
}

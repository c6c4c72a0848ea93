import { regularTable } from "./batch-norm-table.ts";
import { degenerateTable } from "./degenerate-table.ts";
import type { BatchNormCase } from "./normalizer-case.ts";
import { renormTable } from "./renorm-table.ts";

export { layerNormTable } from "./layer-norm-table.ts";
export { residentTable } from "./resident-table.ts";

/** BatchNorm by hand. */
export const batchNormTable: readonly BatchNormCase[] = [...regularTable, ...degenerateTable, ...renormTable];

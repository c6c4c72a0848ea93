import type { CommunicatorGroup } from "./group.ts";
import type { Algorithm, CollectiveOperation, Protocol } from "./request.ts";

/** Versions that brought LL128, NVLS, NVLS between nodes and PAT. */
const since = { LL128: 5, nvls: 17, nvlsTree: 18, pat: 23 };

/**
 * Whether NCCL would consider an algorithm with a protocol at all.
 *
 * CollNet is left out: it is off unless the user turns it on, and NVLS between nodes with it.
 */
export function isAvailable(
  { nodes, ranksPerNode, minor, layout }: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
): boolean {
  if (protocol === "LL128" && !(layout.isNvlink && minor >= since.LL128)) return false;
  if (algorithm === "ring") return true;
  if (algorithm === "tree") return operation === "all-reduce";
  if (protocol !== "Simple" || operation === "broadcast") return false;
  const isAllReduce = operation === "all-reduce";
  switch (algorithm) {
    case "nvls":
      return (
        layout.nvls !== null && minor >= since.nvls && nodes === 1 && (isAllReduce || ranksPerNode <= 32)
      );
    case "nvls-tree":
      return layout.nvls !== null && minor >= since.nvlsTree && nodes > 1 && isAllReduce;
    case "pat":
      return !isAllReduce && ranksPerNode === 1 && nodes > 1 && minor >= since.pat;
  }
}

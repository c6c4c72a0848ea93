import { correctionBands } from "./correction-constants.ts";
import type { CommunicatorGroup } from "./group.ts";
import type { CollectiveOperation } from "./request.ts";
import { type Band, settingOf, sizeClass } from "./uncertainty.ts";

/** Beyond this many nodes nothing was fitted. */
export const fittedNodesMaximum = 20;
/** Above this size nothing was fitted, bytes. */
const fittedBytesMaximum = 16 * 2 ** 30;

/** A reason why a prediction is less certain than the measurements it was fitted to. */
interface Extrapolation {
  readonly isTrue: boolean;
  /** Power that both ends of the band are raised to. */
  readonly widening: number;
  readonly note: string;
}

/**
 * The 80 % band of one prediction and why it is wider than usual, if it is.
 *
 * A band is widened by judgement, not by data, except for many nodes: on 540 nodes of Polaris, which were not
 * fitted, all-reduce took up to 2.4 times as long as on the model's straight line over log2(nodes).
 */
export function bandOf(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  bytes: number,
): Band & { readonly notes: readonly string[] } {
  const reasons = extrapolations(group, operation, bytes).filter(({ isTrue }) => isTrue);
  const widening = reasons.reduce((product, reason) => product * reason.widening, 1);
  const { low, high } = correctionBands[settingOf(group.cluster, group.nodes)][sizeClass(bytes)]!;
  const span = Math.max(1, group.nodes / fittedNodesMaximum) ** 0.25;
  return { low: low ** widening, high: high ** widening * span, notes: reasons.map(({ note }) => note) };
}

function extrapolations(
  { cluster, generation, nodes }: CommunicatorGroup,
  operation: CollectiveOperation,
  bytes: number,
): readonly Extrapolation[] {
  const isPcie = settingOf(cluster, nodes) === "PCIe";
  return [
    {
      isTrue: nodes > fittedNodesMaximum,
      widening: 1,
      note: `Nothing above ${fittedNodesMaximum} nodes was fitted: the band grows with the nodes.`,
    },
    {
      isTrue: operation === "reduce-scatter",
      widening: 1.2,
      note: "No reduce-scatter was measured: it is taken to be as far off as an all-gather.",
    },
    {
      isTrue: operation === "broadcast",
      widening: 1.5,
      note: "No broadcast was measured; as in NCCL's model, one step of latency: repeated broadcasts overlap.",
    },
    {
      isTrue: generation === "blackwell" && bytes < 8 * 2 ** 20,
      widening: 1.3,
      note: "Below 8 MiB only one pair of Blackwell GPUs was measured.",
    },
    {
      isTrue: isPcie,
      widening: 1.2,
      note: "Whether GPUs on PCIe reach each other directly or through the host is not modelled.",
    },
    {
      isTrue: bytes > fittedBytesMaximum,
      widening: 1.2,
      note: "Nothing above 16 GiB was measured.",
    },
  ];
}

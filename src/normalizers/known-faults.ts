import type { NormalizerFault } from "../scenario/scenario.ts";

/** A program error that others made, as a scenario names it. */
export interface KnownFault {
  /** What is wrong, in a clause. */
  readonly what: string;
  /** Public reports of it. */
  readonly seenIn: readonly string[];
}

/** The program errors that a scenario can run on purpose. */
export const knownFaults: Readonly<Record<NormalizerFault, KnownFault>> = {
  "rank-local-statistics": {
    what: "each tensor rank normalises with the statistics of its own channels, which is another model",
    seenIn: ["vLLM #16311", "SGLang #20967", "GPT-NeoX #1424"],
  },
  "missing-gradient-all-reduce": {
    what: "tensor ranks keep the weight gradients of their own tokens, so that equal weights drift apart",
    seenIn: [
      "Megatron-LM #443",
      "Megatron-LM #474",
      "Megatron-LM #1446",
      "GPT-NeoX #1257",
      "TransformerEngine #435",
    ],
  },
  "averaged-gradient-all-reduce": {
    what: "weight gradients are averaged over tensor ranks, where tokens of one batch must be summed",
    seenIn: ["GPT-NeoX #1259"],
  },
};

import type { RuledCollective } from "./rule.ts";
import { ruleOf } from "./rule.ts";
import { subjectOf } from "./subject.ts";
import { specOf } from "./trial.ts";

const ways = 4;
const channels = 1024;

/** Payload bytes of one rank, forward and backward. */
export interface PassBytes {
  readonly forward: number;
  readonly backward: number;
}

/** LayerNorm with its channels sharded against SyncBN with its samples sharded. */
export interface Crossover {
  readonly channels: number;
  /** SyncBN's; tokens do not matter to it. */
  readonly syncBatchNorm: PassBytes;
  readonly rows: readonly { readonly tokens: number; readonly layerNorm: PassBytes }[];
  /** The fewest tokens on a rank with which LayerNorm's payload is the larger. */
  readonly firstDearerTokens: number;
}

/** Compare payloads by the rule: LayerNorm's grow with a rank's tokens, SyncBN's with the channels. */
export function findCrossover(): Crossover {
  const syncBatchNorm = bytesOf(
    ruleOf(
      specOf(subjectOf("SyncBN")),
      { data: ways, tensor: 1, sequence: 1 },
      { samples: 1, channels, positions: 1 },
    ).collectives,
  );
  const spec = specOf(subjectOf("layer-norm"));
  const layerNorm = (tokens: number): PassBytes =>
    bytesOf(
      ruleOf(
        spec,
        { data: 1, tensor: ways, sequence: 1 },
        { samples: 1, channels: channels / ways, positions: tokens },
      ).collectives,
    );
  const total = ({ forward, backward }: PassBytes): number => forward + backward;
  let firstDearerTokens = 1;
  while (total(layerNorm(firstDearerTokens)) <= total(syncBatchNorm)) firstDearerTokens++;
  const counts = [channels / 16, channels / 4, channels, firstDearerTokens, 4 * channels, 16 * channels];
  return {
    channels,
    syncBatchNorm,
    rows: counts.map((tokens) => ({ tokens, layerNorm: layerNorm(tokens) })),
    firstDearerTokens,
  };
}

function bytesOf(collectives: readonly RuledCollective[]): PassBytes {
  const of = (wanted: RuledCollective["pass"]): number =>
    collectives.reduce((sum, { pass, payloadBytes }) => sum + (pass === wanted ? payloadBytes : 0), 0);
  return { forward: of("forward"), backward: of("backward") };
}

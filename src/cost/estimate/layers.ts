import { payloadBytes, type SyncPass } from "../frameworks/profile.ts";
import { batchNormLayers } from "./groups.ts";
import type { StepModel } from "./step-model.ts";

/** One BatchNorm of the model, synchronised. */
export interface LayerEstimate {
  readonly name: string;
  readonly channels: number;
  /** Values of one channel on one rank. */
  readonly valuesPerRank: number;
  /** Collectives of both passes. */
  readonly collectives: number;
  /** What one rank contributes. */
  readonly forwardBytes: number;
  readonly backwardBytes: number;
  /** Its collectives of both passes, one after the other. */
  readonly wireSeconds: number;
  /** How much longer the compute stream is busy with it or waits in it than with local BatchNorm. */
  readonly overheadSeconds: number;
}

/** Every BatchNorm in the order of the forward pass. */
export function layerEstimates(model: StepModel, groupRanks: number): LayerEstimate[] {
  const { profile, microbatch } = model.request;
  const local = model.step(1).layerSeconds;
  const synchronized = model.step(groupRanks).layerSeconds;
  const isSynchronized = groupRanks > 1;
  const seconds = (pass: SyncPass, channels: number): number =>
    sum(
      pass.collectives.map((collective) => {
        const payload = payloadBytes(collective, channels);
        const bytes = collective.operation === "all-gather" ? payload * groupRanks : payload;
        return model.collectives.predict(collective.operation, bytes, groupRanks).seconds;
      }),
    );
  const bytes = (pass: SyncPass, channels: number): number =>
    isSynchronized ? sum(pass.collectives.map((collective) => payloadBytes(collective, channels))) : 0;
  const { forward, backward } = profile;
  return batchNormLayers(model.request).map(({ name, channels, positions }) => ({
    name,
    channels,
    valuesPerRank: microbatch * positions,
    collectives: isSynchronized ? forward.collectives.length + backward.collectives.length : 0,
    forwardBytes: bytes(forward, channels),
    backwardBytes: bytes(backward, channels),
    wireSeconds: isSynchronized ? seconds(forward, channels) + seconds(backward, channels) : 0,
    overheadSeconds: synchronized.get(name)! - local.get(name)!,
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

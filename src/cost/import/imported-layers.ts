import type { LayerKind } from "../models/model.ts";

/** A layer of somebody's model. */
export interface ImportedLayer {
  readonly name: string;
  readonly kind: LayerKind;
  readonly channels: number;
  /** Positions of its output; null: the file does not say. */
  readonly positions: number | null;
  /** Per sample, as in `Layer`; absent: as many as the output has. */
  readonly inputElements?: number;
  readonly parameters: number;
  readonly forwardFlops: number;
}

/** What a model file says of its layers, and what it does not. */
export interface ImportedLayers {
  readonly layers: readonly ImportedLayer[];
  /** What is left out, in sentences. */
  readonly notes: readonly string[];
}

import type { Communicator } from "../collectives/communicator.ts";
import type { Extent, IndexSets } from "../kernels/index-sets.ts";
import type { FloatArray, Kernels } from "../kernels/kernels.ts";
import type { RankView, SetShape } from "../normalizers/operator.ts";
import type { RandomStream } from "../scenario/random.ts";
import type { NormalizerSpec, Storage } from "../scenario/scenario.ts";
import type { Activation, Parameter } from "./layer.ts";

/** Hands out arrays of a rank's part of the shared memory, one after the other. */
export interface ArraySource {
  /** Of the storage type. */
  floats(length: number): FloatArray;
  doubles(length: number): Float64Array;
  bytes(length: number): Uint8Array;
  integers(length: number): Int32Array;
}

/** What a rank's network is made from: where arrays come from and who to talk to. */
export interface LayerContext extends ArraySource {
  readonly kernels: Kernels;
  readonly storage: Storage;
  readonly normalizer: NormalizerSpec;
  /** The index sets of a shape, made once per thread: the kernels have room for few descriptions. */
  indexSets(extent: Extent, shape: Pick<SetShape, "reduces" | "channelGroups">): IndexSets;
  /**
   * A trained array. `draw` gives its initial values, in order, from a stream of its name that is the same on
   * every rank and for every normaliser; a network that only looks at a rank's memory never calls it.
   */
  parameter(name: string, length: number, draw: (stream: RandomStream) => number): Parameter;
  /** The normaliser's group, for one forward or backward pass of one layer; all ranks ask in the same order. */
  communicator(): Communicator;
  /** Room for what the normaliser's collectives send, shared by all layers. See RankView. */
  readonly payload: RankView["payload"];
}

/** Room for an activation and its gradients. */
export function createActivation(source: ArraySource, tokens: number, features: number): Activation {
  const length = tokens * features;
  return { tokens, features, values: source.floats(length), gradients: source.floats(length) };
}

/** Ways to synchronise a group of BatchNorm ranks: those of libraries, by the names of their cost profiles, and two of our own. */
export const implementationNames = [
  "pytorch",
  "pytorch-1.5",
  "apex",
  "apex-python",
  "horovod",
  "horovod-tensorflow",
  "detectron2",
  "detectron2-n",
  "keras",
  "tf-keras",
  "flax",
  "mxnet",
  "paddle",
  "inplace-abn",
  "fairscale",
  "mindspore",
  "all-reduce-moments",
  "all-reduce-shifted",
] as const;

/** One of `implementationNames`. */
export type ImplementationName = (typeof implementationNames)[number];

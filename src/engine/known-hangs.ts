/** What a call of a rank has that those of its peers do not. */
export type Mismatch = "left" | "group" | "order" | "size";

/** Public reports of programs whose ranks were at odds in the same way. PyTorch's and NCCL's hung, or went on with wrong numbers. */
export const mismatchesSeenIn: Readonly<Record<Mismatch, readonly string[]>> = {
  // A module that one process does not call; ranks that never submit; inputs that are empty on some ranks.
  left: [
    "pytorch/pytorch#44957",
    "horovod/horovod#2241",
    "pytorch/pytorch#36530 (fixed by #74944, which joins to unblock its peers)",
    "facebookresearch/detectron2#1807",
  ],
  // The all-gather of SyncBatchNorm forgot process_group.
  group: ["pytorch/pytorch#38246 (fixed by #43861)"],
  // Tensor types visited, and collectives launched by several threads, in another order on every rank.
  order: ["NVIDIA/apex#18", "PaddlePaddle/Paddle#21838"],
  // NCCL does not check: it hangs, or adds what belongs to other elements.
  size: ["NVIDIA/nccl#1394", "NVIDIA/nccl#1417"],
};

/** A network card that went down, links that come and go: ranks wait for what was sent and never came. */
export const lostMessagesSeenIn: readonly string[] = ["NVIDIA/nccl#1317", "NVIDIA/nccl#905"];

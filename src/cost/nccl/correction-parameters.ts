/**
 * The constants of the corrected model with their priors: NCCL's own (src/graph/tuning.cc) where it has
 * them, for Volta those of the releases of its time, otherwise the hardware's order of magnitude. `spread` is
 * the standard deviation of the logarithm: how far measurements may move it. A constant that no measurement
 * tells of keeps its prior.
 */
export const correctionParameters = {
  /** Seconds of a collective before its first step; prior: NCCL's base latency. */
  launchVolta: { prior: 4.4e-6, spread: 0.3 },
  launchAmpere: { prior: 6.6e-6, spread: 0.4 },
  launchHopper: { prior: 6.6e-6, spread: 0.4 },
  launchBlackwell: { prior: 6.6e-6, spread: 0.4 },
  /** The same of boards without NVLink, of any generation; prior: between Volta's and the others'. */
  launchBoard: { prior: 5e-6, spread: 0.4 },
  /** Seconds more where a proxy thread has to be woken for the network. */
  launchNetwork: { prior: 2e-6, spread: 0.7 },
  /** Factor on NCCL's seconds per step inside a node, by protocol and by generation. */
  stepLL: { prior: 1, spread: 0.1 },
  stepLL128: { prior: 1, spread: 0.3 },
  stepSimple: { prior: 1, spread: 0.3 },
  stepVolta: { prior: 0.8, spread: 0.1 },
  stepAmpere: { prior: 1, spread: 0.1 },
  stepHopper: { prior: 1, spread: 0.1 },
  stepBlackwell: { prior: 1, spread: 0.1 },
  /** Factor more where a tree reduces up and copies down a chain, by generation. */
  chainVolta: { prior: 1, spread: 0.4 },
  chainAmpere: { prior: 1.5, spread: 0.3 },
  chainHopper: { prior: 1, spread: 0.4 },
  chainBlackwell: { prior: 1, spread: 0.4 },
  stepPcie: { prior: 1, spread: 0.4 },
  /** Ring steps of newer releases that carry no data yet: seconds less than with a few bytes. */
  onsetRing: { prior: 0.1e-6, spread: 1 },
  /** Growth inside LL: seconds per step and e-fold of the bytes of a message beyond 64 B. */
  growthInside: { prior: 0.02e-6, spread: 1 },
  /** Before 2.17, with the older LL kernels: growth, copy and stream over those of the newer. */
  olderGrowth: { prior: 1, spread: 0.7 },
  olderCopy: { prior: 2, spread: 0.7 },
  olderStream: { prior: 1, spread: 0.7 },
  growthNetwork: { prior: 0.3e-6, spread: 1 },
  /** Bytes per second at which one channel copies inside a node, flags included. */
  copyLL: { prior: 20e9, spread: 0.5 },
  /** Seconds of a step between nodes in LL: hardware that writes to GPU memory by itself, and software. */
  stepRdma: { prior: 5e-6, spread: 0.2 },
  stepSoftware: { prior: 30e-6, spread: 0.5 },
  /** Factor on that by transport. */
  stepInfiniband: { prior: 1, spread: 0.1 },
  stepRoce: { prior: 1, spread: 0.3 },
  stepSlingshot: { prior: 1, spread: 0.2 },
  stepEfa: { prior: 1, spread: 1 },
  stepTcpx: { prior: 1, spread: 1 },
  stepTcpxo: { prior: 1, spread: 1 },
  stepTcp: { prior: 1, spread: 1 },
  /** Seconds more in LL128 and Simple; prior: NCCL's 8.5 and 14 µs less its 5 µs. */
  networkLL128: { prior: 3.5e-6, spread: 0.4 },
  networkSimple: { prior: 9e-6, spread: 0.4 },
  /** Times that a message crosses a bus or wire as a whole on its way between two GPUs. */
  storeAndForward: { prior: 3, spread: 0.5 },
  /** Factor on the time that the bytes take at NCCL's bandwidth, by algorithm and protocol ... */
  streamLL: { prior: 1, spread: 0.4 },
  streamLL128: { prior: 1, spread: 0.3 },
  streamRing: { prior: 1, spread: 0.1 },
  streamTree: { prior: 1, spread: 0.3 },
  streamNvls: { prior: 1, spread: 0.1 },
  streamNvlsTree: { prior: 1, spread: 0.1 },
  /** ... and by what the bytes cross. */
  streamPcie: { prior: 1.3, spread: 0.25 },
  streamInfiniband: { prior: 1, spread: 0.1 },
  streamRoce: { prior: 1, spread: 0.2 },
  streamSlingshot: { prior: 1, spread: 0.3 },
  streamEfa: { prior: 1.2, spread: 0.4 },
  streamTcpx: { prior: 1.2, spread: 0.4 },
  streamTcpxo: { prior: 1.2, spread: 0.4 },
  streamTcp: { prior: 1.1, spread: 0.2 },
  /** Bytes per second that sockets move through one port, however fast the port is. */
  socketCeiling: { prior: 3e9, spread: 0.7 },
  /** Pipeline fill: share of one loop of chunks that passes before the pipeline is full. */
  fillRing: { prior: 0.1, spread: 1 },
  fillTree: { prior: 0.5, spread: 1 },
  fillNvls: { prior: 1, spread: 0.5 },
  fillNvlsTree: { prior: 1, spread: 0.5 },
} as const;

export type CorrectionName = keyof typeof correctionParameters;

/** A value for every constant. */
export type CorrectionConstants = Readonly<Record<CorrectionName, number>>;

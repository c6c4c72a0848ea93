import type { CorrectionConstants } from "./correction-parameters.ts";
import type { Bands, LeftOutErrors } from "./uncertainty.ts";

// Made by scripts/fit-nccl.ts from the measured runs: do not edit.

/** The constants of the corrected model, fitted to every run that is to be fitted. */
export const correctionConstants: CorrectionConstants = {
  launchVolta: 0.0000050563,
  launchAmpere: 0.0000088643,
  launchHopper: 0.0000052015,
  launchBlackwell: 0.0000081426,
  launchBoard: 0.0000064849,
  launchNetwork: 0.0000015018,
  stepLL: 0.99849,
  stepLL128: 1.8928,
  stepSimple: 1.0225,
  stepVolta: 0.81867,
  stepAmpere: 1.1158,
  stepHopper: 0.94248,
  stepBlackwell: 1,
  chainVolta: 0.89145,
  chainAmpere: 1.1578,
  chainHopper: 0.90247,
  chainBlackwell: 1,
  stepPcie: 0.96016,
  onsetRing: 2.0511e-7,
  growthInside: 1.7777e-8,
  olderGrowth: 1.2596,
  olderCopy: 6.1252,
  olderStream: 1.3974,
  growthNetwork: 5.2905e-7,
  copyLL: 34035000000,
  stepRdma: 0.0000044507,
  stepSoftware: 0.000040411,
  stepInfiniband: 1.0005,
  stepRoce: 1.0233,
  stepSlingshot: 0.87919,
  stepEfa: 0.91019,
  stepTcpx: 7.8769,
  stepTcpxo: 1.0283,
  stepTcp: 0.4466,
  networkLL128: 0.0000066313,
  networkSimple: 0.0000072583,
  storeAndForward: 0.79631,
  streamLL: 0.72203,
  streamLL128: 1.1256,
  streamRing: 1.0632,
  streamTree: 0.82372,
  streamNvls: 1.0135,
  streamNvlsTree: 1.1157,
  streamPcie: 1.9224,
  streamInfiniband: 0.99988,
  streamRoce: 1.0319,
  streamSlingshot: 1.0715,
  streamEfa: 1.548,
  streamTcpx: 1.2884,
  streamTcpxo: 0.9368,
  streamTcp: 1.0622,
  socketCeiling: 2711900000,
  fillRing: 0.082963,
  fillTree: 1.2053,
  fillNvls: 1.0776,
  fillNvlsTree: 1.193,
};

/**
 * Measured over predicted, predicted without the site, so that 80 % of left-out rows are inside; up to 32 KiB, 1 MiB,
 * 32 MiB and above.
 */
export const correctionBands: Bands = {
  "one node, NVLink": [
    { low: 0.67956, high: 1.4522 },
    { low: 0.75909, high: 2.68 },
    { low: 0.73105, high: 2.1394 },
    { low: 0.84311, high: 1.7689 },
  ],
  "several nodes, RDMA": [
    { low: 0.76261, high: 1.2963 },
    { low: 0.71965, high: 2.2089 },
    { low: 0.60829, high: 2.0151 },
    { low: 0.78577, high: 1.9737 },
  ],
  "several nodes, software transport": [
    { low: 0.5045, high: 1.7974 },
    { low: 0.54364, high: 2.5347 },
    { low: 0.69067, high: 3.0057 },
    { low: 0.68492, high: 2.1099 },
  ],
  PCIe: [
    { low: 0.62764, high: 1.8198 },
    { low: 0.72933, high: 2.157 },
    { low: 0.73286, high: 2.0969 },
    { low: 0.80772, high: 2.3417 },
  ],
};

/** Shares: median errors and how often the band holds, each found without what it is tried on. */
export const leftOutErrors: readonly LeftOutErrors[] = [
  {
    family: "all-reduce 0.5-32 KiB",
    rows: 202,
    withoutSite: 0.149,
    withoutCluster: 0.121,
    fitted: 0.083,
    coverage: 0.797,
  },
  {
    family: "all-reduce 0.5-32 KiB, high trust",
    rows: 112,
    withoutSite: 0.12,
    withoutCluster: 0.092,
    fitted: 0.055,
    coverage: 0.813,
  },
  {
    family: "all-reduce, all sizes",
    rows: 809,
    withoutSite: 0.168,
    withoutCluster: 0.148,
    fitted: 0.112,
    coverage: 0.797,
  },
  {
    family: "all-reduce, all sizes, high trust",
    rows: 435,
    withoutSite: 0.138,
    withoutCluster: 0.117,
    fitted: 0.078,
    coverage: 0.784,
  },
  {
    family: "everything",
    rows: 961,
    withoutSite: 0.173,
    withoutCluster: 0.157,
    fitted: 0.111,
    coverage: 0.805,
  },
];

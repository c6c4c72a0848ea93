import { busFactor } from "../../src/cost/nccl/predict.ts";
import type { CollectiveOperation } from "../../src/cost/nccl/request.ts";

/** A run to print as nccl-tests would. */
export interface PrintedRun {
  readonly operation: CollectiveOperation;
  readonly device: string;
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly rows: readonly { readonly bytes: number; readonly seconds: number }[];
}

const program = (operation: string) => `${operation.replace("-", "_")}_perf`;

/** As NVIDIA/nccl-tests src/util.cu writeDeviceReport and writeBenchmarkLineBody print it, 2.17. */
export function textOutput({ operation, device, nodes, gpusPerNode, rows }: PrintedRun): string {
  const ranks = nodes * gpusPerNode;
  const body = (bytes: number, seconds: number): string => {
    const bandwidth = bytes / seconds / 1e9;
    const cells = [
      (seconds * 1e6).toFixed(2),
      bandwidth.toFixed(2),
      (bandwidth * busFactor(operation, ranks)).toFixed(2),
    ];
    return `${cells.map((cell) => cell.padStart(9)).join("")}      0`;
  };
  return [
    "# nccl-tests version 2.17.6 nccl-headers=22602 nccl-library=22602",
    `# Collective test starting: ${program(operation)}`,
    "# Using devices",
    ...Array.from(
      { length: ranks },
      (_, rank) =>
        `#  Rank ${rank} Group  0 Pid ${1000 + rank} on node${Math.floor(rank / gpusPerNode)} device ${rank % gpusPerNode} [0000:07:00] ${device}`,
    ),
    "#",
    "#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong",
    "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)       ",
    ...rows.map(
      ({ bytes, seconds }) =>
        `${String(bytes).padStart(12)}  ${Math.floor(bytes / 4)}  float  sum  -1  ${body(bytes, seconds)} ${body(bytes, seconds)}`,
    ),
    "# Out of bounds values : 0 OK",
    "# Avg bus bandwidth    : 41.4",
    "",
  ].join("\n");
}

/** As the same source writes with -J. */
export function jsonOutput({ operation, device, nodes, gpusPerNode, rows }: PrintedRun): string {
  const part = (bytes: number, seconds: number) => ({
    time: seconds * 1e6,
    alg_bw: bytes / seconds / 1e9,
    bus_bw: (bytes / seconds / 1e9) * busFactor(operation, nodes * gpusPerNode),
    nwrong: 0,
  });
  return JSON.stringify({
    version: 1,
    args: [`./build/${program(operation)}`, "-b", "8"],
    nccl_version: 22602,
    config: {
      nthreads: 1,
      ngpus: 1,
      devices: Array.from({ length: nodes * gpusPerNode }, (_, rank) => ({
        rank,
        hostname: `node${Math.floor(rank / gpusPerNode)}`,
        device_info: device,
      })),
    },
    results: rows.map(({ bytes, seconds }) => ({
      size: bytes,
      count: bytes / 4,
      out_of_place: part(bytes, seconds),
      in_place: part(bytes, seconds),
    })),
  });
}

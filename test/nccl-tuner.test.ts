import { describe, expect, test } from "vitest";
import type { Cluster } from "../src/cost/cluster.ts";
import { isAvailable } from "../src/cost/nccl/availability.ts";
import { algorithmBandwidth } from "../src/cost/nccl/bandwidth.ts";
import { communicatorGroup } from "../src/cost/nccl/group.ts";
import { latencyMicroseconds } from "../src/cost/nccl/latency.ts";
import type { Algorithm, Protocol } from "../src/cost/nccl/request.ts";
import { choose, tunerEstimate } from "../src/cost/nccl/tuner.ts";
import { channelsOf } from "../src/cost/nccl/work.ts";
import { clusterPresets } from "../src/cost/presets.ts";

/** Products of constants with at most four digits: rounding alone. */
const relativeTolerance = 1e-12;

function group(name: string, nodes: number, ranksPerNode: number, version = "2.30") {
  return communicatorGroup(clusterPresets[name]!, nodes, ranksPerNode, version);
}

function expectNear(got: number, want: number, relative = relativeTolerance): void {
  expect(Math.abs(got - want), `got ${got}, want ${want}`).toBeLessThanOrEqual(relative * Math.abs(want));
}

describe("latency", () => {
  // Oracle: the debug log of github.com/NVIDIA/nccl/issues/1453 prints 25.207 µs for 64 B; 4 digits of it are 6.8 +
  // 2(7 x 0.6 + 5) = 25.2 and 64 B at 19.5 GB/s.
  for (const version of ["2.22", "2.30"]) {
    test(`of a tree in LL over 2 nodes of 8 H100 by NCCL ${version} is what NCCL prints`, () => {
      const { seconds } = tunerEstimate(group("dgx-h100", 2, 8, version), "all-reduce", "tree", "LL", 64);
      expectNear(seconds, 25.207e-6, 5e-4);
    });
  }

  // Oracle: NCCL 2.29.7 prints 9.3 / 18.0 / 22.4 µs for a broadcast of 2 ranks over sockets: base + one ring step.
  test("of a broadcast over sockets is the base and one step", () => {
    const sockets = group("ethernet-10g", 2, 1, "2.29");
    const got = (["LL", "LL128", "Simple"] as const).map((protocol) =>
      latencyMicroseconds(sockets, "broadcast", "ring", protocol),
    );
    [9.3, 18, 22.4].forEach((want, index) => {
      expectNear(got[index]!, want);
    });
  });

  // Oracles: src/graph/tuning.cc of each version, by hand: base, then 14 steps of 8 GPUs on NVLink in LL.
  const rows: [version: string, microseconds: number][] = [
    ["2.4", 3.6 + 14 * 0.4],
    ["2.7", 3.6 + 14 * 0.47],
    ["2.16", 3.6 + 14 * 0.47],
    ["2.17", 6.6 + 14 * 0.6],
    ["2.30", 6.6 + 14 * 0.6],
  ];
  for (const [version, want] of rows) {
    test(`of a ring of 8 GPUs in LL by NCCL ${version} is base plus 14 steps`, () => {
      expectNear(latencyMicroseconds(group("dgx-a100", 1, 8, version), "all-reduce", "ring", "LL"), want);
    });
  }

  // Oracle: by hand. Of 30 steps some cross (2N = 4 until 2.22, 2(N - 1) = 2 since), the others cost 0.6 x 1.8 until 2.16
  // and at least the post overhead, 1 µs on Intel, since 2.17.
  test("of a ring over 2 nodes follows how each version counts crossings", () => {
    const of = (version: string) =>
      latencyMicroseconds(group("dgx-h100", 2, 8, version), "all-reduce", "ring", "LL");
    expectNear(of("2.16"), 3.6 + 26 * 0.47 * 1.8 + 4 * 2.7);
    expectNear(of("2.22"), 6.6 + 26 * 1 + 4 * 2.7);
    expectNear(of("2.23"), 6.6 + 28 * 1 + 2 * 2.7);
  });
});

describe("bandwidth", () => {
  const bus = (name: string, nodes: number, algorithm: Algorithm, protocol: Protocol, version = "2.30") => {
    const n = nodes * 8;
    const of = group(name, nodes, 8, version);
    return (algorithmBandwidth(of, "all-reduce", algorithm, protocol) * 2 * (n - 1)) / n;
  };

  // Oracles: by hand from the constants of src/graph/tuning.cc: 12 channels of 30 GB/s; 8 of 40 x 0.85 x 7/8 x 2; 12 of 20,
  // capped at 235 in 2.8; 8 x 90 where NVLS is bound by the top of the ladder.
  const rows: [name: string, algorithm: Algorithm, version: string, gigabytes: number][] = [
    ["dgx-h100", "ring", "2.30", 360],
    ["dgx-h100", "nvls", "2.30", 8 * 40 * 0.85 * (7 / 8) * 2],
    ["dgx-a100", "ring", "2.30", 240],
    ["dgx-a100", "ring", "2.8", 235],
    ["dgx-1-v100", "ring", "2.30", 120],
    ["dgx-b200", "nvls", "2.30", 720],
  ];
  for (const [name, algorithm, version, want] of rows) {
    test(`of ${algorithm} on one ${name} by NCCL ${version} is ${want} GB/s`, () => {
      expectNear(bus(name, 1, algorithm, "Simple", version), want);
    });
  }

  // Oracle: 461 and 364 GB/s, figures of NCCL's model that measurements of 470 and 366 GB/s were compared with: per-channel
  // caps 57.7 and 45.5 GB/s times 8.
  test("of NVLS trees over H100 nodes is bound by the cap per channel", () => {
    expectNear(bus("dgx-h100", 2, "nvls-tree", "Simple"), 8 * 57.7, 2e-3);
    expectNear(bus("dgx-h100", 4, "nvls-tree", "Simple"), 8 * 45.5, 2e-3);
  });

  // Oracle: the LL rows of src/graph/tuning.cc; on several nodes AMD takes Ampere's row and the others Volta's.
  test("of LL over 4 nodes depends on the vendor of the CPU", () => {
    const amd: Cluster = { ...clusterPresets["dgx-h100"]!, cpu: "amd" };
    const of = (cluster: Cluster) =>
      algorithmBandwidth(communicatorGroup(cluster, 4, 8, "2.30"), "all-reduce", "ring", "LL") * (62 / 32);
    expectNear(of(amd), 19);
    expectNear(of(clusterPresets["dgx-h100"]!), 20.4);
  });
});

describe("layout", () => {
  // Oracle: what NCCL prints on these machines: channels x GB/s, and the channels of the communicator.
  const rows: [
    name: string,
    nodes: number,
    perNode: number,
    channels: number,
    speed: number,
    final: number,
  ][] = [
    ["abci-v", 1, 4, 6, 20, 12],
    ["dgx-1-v100", 1, 8, 6, 20, 12],
    ["abci-v", 4, 4, 2, 12, 4],
    ["dgx-a100", 1, 8, 12, 20, 24],
    ["dgx-a100", 4, 8, 8, 24, 16],
    ["polaris", 4, 4, 2, 24, 4],
    ["dgx-h100", 1, 8, 12, 30, 24],
    ["dgx-h100", 4, 8, 8, 48, 16],
  ];
  for (const [name, nodes, perNode, channels, speed, final] of rows) {
    test(`of ${nodes} x ${perNode} ${name} is ${channels} channels of ${speed} GB/s`, () => {
      const { layout } = group(name, nodes, perNode);
      expect(layout.ring).toEqual({ channels, intra: speed, inter: speed });
      expect(layout.channels).toBe(final);
    });
  }
});

// Oracle: src/enqueue.cc by hand: 32 KiB of traffic a channel, LL counting 2 x 4 times its bytes; threads of 8 B, in a
// ring of 8 of 64 B.
test("small collectives use few channels", () => {
  const h100 = group("dgx-h100", 2, 8);
  const a100 = group("dgx-a100", 1, 8);
  expect(channelsOf(h100, "all-reduce", "tree", "LL", 4096)).toBe(1);
  expect(channelsOf(h100, "all-reduce", "tree", "LL", 65536)).toBe(16);
  expect(channelsOf(a100, "all-reduce", "ring", "LL", 65536)).toBe(2);
});

describe("what is available", () => {
  // Oracle: NCCL's release notes (NVLS 2.17, between nodes 2.18, PAT 2.23, LL128 2.5) and LL128's need of NVLink.
  const rows: [what: string, expected: boolean, got: boolean][] = [
    ["NVLS in 2.16", false, isAvailable(group("dgx-h100", 1, 8, "2.16"), "all-reduce", "nvls", "Simple")],
    ["NVLS in 2.17", true, isAvailable(group("dgx-h100", 1, 8, "2.17"), "all-reduce", "nvls", "Simple")],
    ["NVLS on A100", false, isAvailable(group("dgx-a100", 1, 8), "all-reduce", "nvls", "Simple")],
    [
      "NVLS trees in 2.17",
      false,
      isAvailable(group("dgx-h100", 2, 8, "2.17"), "all-reduce", "nvls-tree", "Simple"),
    ],
    ["PAT with 1 GPU a node", true, isAvailable(group("dgx-h100", 4, 1), "all-gather", "pat", "Simple")],
    ["PAT with 2 GPUs a node", false, isAvailable(group("dgx-h100", 4, 2), "all-gather", "pat", "Simple")],
    ["LL128 on PCIe", false, isAvailable(group("l40s", 1, 4), "all-reduce", "ring", "LL128")],
    ["LL128 in 2.4", false, isAvailable(group("dgx-a100", 1, 8, "2.4"), "all-reduce", "ring", "LL128")],
    ["a tree for all-gather", false, isAvailable(group("dgx-a100", 2, 8), "all-gather", "tree", "LL")],
  ];
  for (const [what, expected, got] of rows) {
    test(`${expected ? "includes" : "excludes"} ${what}`, () => {
      expect(got).toBe(expected);
    });
  }
});

// Oracle: the least of every estimate, by hand over all pairs.
test("the tuner takes the least time of all pairs", () => {
  const h100 = group("dgx-h100", 2, 8);
  for (const bytes of [8, 8192, 2 ** 20, 2 ** 24, 2 ** 30]) {
    const request = {
      cluster: h100.cluster,
      operation: "all-reduce",
      nodes: 2,
      gpusPerNode: 8,
      bytes,
    } as const;
    const all = (["tree", "ring", "nvls-tree"] as const).flatMap((algorithm) =>
      (["LL", "LL128", "Simple"] as const)
        .filter((protocol) => isAvailable(h100, "all-reduce", algorithm, protocol))
        .map((protocol) => tunerEstimate(h100, "all-reduce", algorithm, protocol, bytes).seconds),
    );
    expect(choose(h100, request).seconds).toBe(Math.min(...all));
  }
});

// Oracle: 2 x 8 H100 print LL for small, NVLSTree for large messages (github.com/NVIDIA/nccl-tests/issues/309 shows the
// bandwidth that only NVLS trees reach).
test("small messages go by LL and large ones by NVLS on H100 nodes", () => {
  const h100 = group("dgx-h100", 2, 8);
  const of = (bytes: number) =>
    choose(h100, { cluster: h100.cluster, operation: "all-reduce", nodes: 2, gpusPerNode: 8, bytes });
  expect(of(1024)).toMatchObject({ algorithm: "tree", protocol: "LL" });
  expect(of(2 ** 30)).toMatchObject({ algorithm: "nvls-tree", protocol: "Simple" });
});

import { expect, test } from "vitest";
import { clusterNetwork } from "../src/cost/network/cluster-network.ts";
import { fatTreeNetwork } from "../src/cost/network/fat-tree-network.ts";
import { meshNetwork } from "../src/cost/network/mesh-network.ts";
import type { Network } from "../src/cost/network/network.ts";
import { starNetwork } from "../src/cost/network/star-network.ts";
import { clusterPresets } from "../src/cost/presets.ts";

const cable = { latencySeconds: 1e-6, bandwidthBytesPerSecond: 1e9 };

/** The names of the links from source to target. */
function way(network: Network, source: number, target: number): string[] {
  const links = new Uint32Array(network.longestRoute);
  return [...links.subarray(0, network.route(source, target, links))].map((link) => network.linkName(link));
}

/** 12 ranks, 4 on a switch, 3 such switches below 2 others. */
const tree = fatTreeNetwork([
  { children: 4, parents: 1, ...cable },
  { children: 3, parents: 2, ...cable },
]);

// Oracle: by hand, D-mod-K: the parent that a message goes up to is its target modulo 2.
test("a message through a fat tree turns at the lowest switch above both ranks", () => {
  expect(tree.ranks).toBe(12);
  expect(way(tree, 1, 3)).toEqual(["rank 1 up to parent 0", "rank 3 down from parent 0"]);
  expect(way(tree, 1, 7)).toEqual([
    "rank 1 up to parent 0",
    "level 1 switch 0 up to parent 1",
    "level 1 switch 1 down from parent 1",
    "rank 7 down from parent 0",
  ]);
  expect(way(tree, 8, 2)[1]).toBe("level 1 switch 2 up to parent 0");
});

const networks: Readonly<Record<string, Network>> = {
  star: starNetwork({ ranks: 5, ...cable }),
  mesh: meshNetwork({ ranks: 4, ...cable }),
  "fat tree": tree,
  "three levels": fatTreeNetwork([
    { children: 2, parents: 2, ...cable },
    { children: 3, parents: 2, ...cable },
    { children: 2, parents: 3, ...cable },
  ]),
  "two DGX-1": clusterNetwork(
    clusterPresets["dgx-1-v100"]!,
    Array.from({ length: 16 }, (_, gpu) => gpu),
  ),
};

for (const [name, network] of Object.entries(networks)) {
  // Invariants: full duplex, so the way there and the way back share no link; the target's last link is its own.
  test(`every way through a ${name} is of known links, and none is used both ways`, () => {
    for (let source = 0; source < network.ranks; source++) {
      for (let target = 0; target < network.ranks; target++) {
        if (source === target) continue;
        const there = way(network, source, target);
        const back = way(network, target, source);
        expect(there.length).toBe(back.length);
        expect(new Set([...there, ...back]).size).toBe(there.length + back.length);
      }
    }
  });

  test(`no two links of a ${name} have one name`, () => {
    const names = Array.from({ length: network.linkCount }, (_, link) => network.linkName(link));
    expect(new Set(names).size).toBe(network.linkCount);
  });
}

// Oracle: by hand. 8 GPUs on 4 cards; NVLink in pairs inside a node.
test("GPUs of a DGX-1 talk over their pair's NVLink, and over the card of their half-pair to other nodes", () => {
  const network = networks["two DGX-1"]!;
  expect(way(network, 8, 10)).toEqual(["node 1 rank 0 to rank 2"]);
  expect(way(network, 3, 8)).toEqual(["card rank 1 up", "card rank 4 down"]);
  expect(way(network, 2, 9)).toEqual(["card rank 1 up", "card rank 4 down"]);
});

// Oracle: by hand. The group of every eighth GPU has one member per node, all on the first card.
test("a group of a cluster's GPUs uses the links of these GPUs", () => {
  const network = clusterNetwork(clusterPresets["dgx-a100"]!, [0, 8, 16]);
  expect(network.ranks).toBe(3);
  expect(way(network, 0, 2)).toEqual(["card rank 0 up", "card rank 16 down"]);
});

// Oracle: by hand. 2 nodes of 8 cards on leaf switches of 8: four links between the nodes.
test("a cluster's cards may hang on a fat tree, which has to be large enough", () => {
  const gpus = Array.from({ length: 16 }, (_, gpu) => gpu);
  const levels = [
    { children: 8, parents: 1, ...cable },
    { children: 2, parents: 4, ...cable },
  ];
  const network = clusterNetwork(clusterPresets["dgx-a100"]!, gpus, levels);
  expect(way(network, 0, 15)).toEqual([
    "card rank 0 up to parent 0",
    "card level 1 switch 0 up to parent 3",
    "card level 1 switch 1 down from parent 3",
    "card rank 15 down from parent 0",
  ]);
  expect(() => clusterNetwork(clusterPresets["dgx-a100"]!, gpus, levels.slice(0, 1))).toThrow(
    /8 ranks for 16 network cards/,
  );
});

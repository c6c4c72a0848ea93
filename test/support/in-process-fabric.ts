import type { Communicator, Progress } from "../../src/collectives/communicator.ts";
import type { LedgerEntry } from "../../src/collectives/ledger.ts";
import { Catalogue } from "../../src/engine/catalogue.ts";
import { Control, controlBytes } from "../../src/engine/control.ts";
import { Endpoint } from "../../src/engine/endpoint.ts";
import { runPrograms } from "../../src/engine/executor.ts";
import type { Fabric } from "../../src/engine/fabric.ts";
import { Landing } from "../../src/engine/landing.ts";
import { scalarKernels } from "../../src/kernels/scalar.ts";
import { scenarioFrom } from "./scenario.ts";

/** The fabric of one thread with its ranks' outboxes and landing areas, `areaBytes` each; payloads are float32. */
export function inProcessFabric(worldSize: number, areaBytes = 0, threads = 1): Fabric {
  const control = new Control(
    new Int32Array(new SharedArrayBuffer(controlBytes(worldSize, threads))),
    worldSize,
    threads,
  );
  const scenario = scenarioFrom({
    mesh: { data: worldSize },
    data: { source: "gaussian", samples: 1, channels: 1 },
    normalizers: [{ type: "layer-norm" }],
  });
  return {
    control,
    kernels: scalarKernels,
    catalogue: new Catalogue(scenario),
    landing: new Landing(new Uint8Array(areaBytes * worldSize), control, () => worldSize),
    outboxes: Array.from({ length: worldSize }, () => new Uint8Array(areaBytes)),
    payload: "float32",
    threadOfRank: new Array<number>(worldSize).fill(0),
    thread: 0,
    rendezvous: null,
    movements: 0,
  };
}

/** Run a program on every rank of one group; returns every rank's ledger. */
export function runOnFabric(
  worldSize: number,
  program: (communicator: Communicator, rank: number) => Progress<void>,
): LedgerEntry[][] {
  const fabric = inProcessFabric(worldSize, 4096);
  const group = { index: 0, ranks: Array.from({ length: worldSize }, (_, rank) => rank) };
  const endpoints = group.ranks.map((rank) => new Endpoint(fabric, rank));
  const programs = group.ranks.map((rank) => ({
    rank,
    program: program(endpoints[rank]!.communicator(group, 0, 0), rank),
  }));
  runPrograms(programs, fabric, { sleep: () => false }, (_, error) => error as Error);
  return endpoints.map(({ ledger }) => ledger);
}

import type { InterKind } from "../cluster.ts";
import type { Anatomy } from "./anatomy.ts";
import type { CorrectionConstants, CorrectionName } from "./correction-parameters.ts";
import type { Generation } from "./generation.ts";

const launchOf = {
  volta: "launchVolta",
  ampere: "launchAmpere",
  hopper: "launchHopper",
  blackwell: "launchBlackwell",
} as const satisfies Record<Generation, CorrectionName>;
const stepOf = {
  volta: "stepVolta",
  ampere: "stepAmpere",
  hopper: "stepHopper",
  blackwell: "stepBlackwell",
} as const satisfies Record<Generation, CorrectionName>;
const chainOf = {
  volta: "chainVolta",
  ampere: "chainAmpere",
  hopper: "chainHopper",
  blackwell: "chainBlackwell",
} as const satisfies Record<Generation, CorrectionName>;

interface Transport {
  readonly step: CorrectionName;
  readonly stream: CorrectionName;
  readonly common: "stepRdma" | "stepSoftware";
}

const infiniband: Transport = { step: "stepInfiniband", stream: "streamInfiniband", common: "stepRdma" };
const transports: Readonly<Record<InterKind, Transport>> = {
  "ib-edr": infiniband,
  "ib-hdr": infiniband,
  "ib-ndr": infiniband,
  roce: { step: "stepRoce", stream: "streamRoce", common: "stepRdma" },
  "slingshot-11": { step: "stepSlingshot", stream: "streamSlingshot", common: "stepRdma" },
  efa: { step: "stepEfa", stream: "streamEfa", common: "stepSoftware" },
  tcpx: { step: "stepTcpx", stream: "streamTcpx", common: "stepSoftware" },
  tcpxo: { step: "stepTcpxo", stream: "streamTcpxo", common: "stepSoftware" },
  tcp: { step: "stepTcp", stream: "streamTcp", common: "stepSoftware" },
  // Only TPUs have it, which NCCL does not run on.
  ici: infiniband,
};

/** Releases from here on have the newer LL kernels. */
const firstNewer = 17;

/** Half of a ring's onset has come with a message of this size: one line of LL for each of two peers. */
const onsetBytes = 32;

/** A message this small costs a step and no more. */
const growthFromBytes = 64;

/**
 * Seconds of a collective from its parts: launch, steps, the growth of steps with their messages, the
 * stream of bytes and the filling of the pipeline.
 */
export function correctedSeconds(anatomy: Anatomy, constants: CorrectionConstants): number {
  const { group, choice, insideSteps, networkSteps } = anatomy;
  const isNetworked = group.nodes > 1;
  const ownLaunch = constants[group.layout.isNvlink ? launchOf[group.generation] : "launchBoard"];
  const launch = group.cluster.launchSeconds ?? ownLaunch + (isNetworked ? constants.launchNetwork : 0);
  return (
    launch +
    insideSteps * insideStep(anatomy, constants) +
    (isNetworked ? networkSteps * networkStep(anatomy, constants) : 0) +
    anatomy.streamSeconds * streamFactor(anatomy, constants) +
    anatomy.fillSeconds * fillFactor(choice.algorithm, constants)
  );
}

function insideStep(
  { group, choice, insideStepSeconds, insideMessageBytes }: Anatomy,
  c: CorrectionConstants,
): number {
  const { protocol, algorithm } = choice;
  if (algorithm === "nvls" || algorithm === "nvls-tree") return insideStepSeconds * c.stepSimple;
  const ofProtocol = protocol === "LL" ? c.stepLL : protocol === "LL128" ? c.stepLL128 : c.stepSimple;
  const ofLink = group.layout.isNvlink ? c[stepOf[group.generation]] : c.stepPcie;
  const ofChain = algorithm === "tree" ? c[chainOf[group.generation]] : 1;
  const step = insideStepSeconds * ofProtocol * ofLink * ofChain;
  if (protocol !== "LL") return step;
  const copy = insideMessageBytes / c.copyLL;
  if (algorithm !== "ring") return step + growth(insideMessageBytes) * c.growthInside + copy;
  if (group.minor < firstNewer)
    return step + growth(insideMessageBytes) * c.growthInside * c.olderGrowth + copy * c.olderCopy;
  return step + (c.onsetRing * insideMessageBytes) / (insideMessageBytes + onsetBytes) + copy;
}

function networkStep(
  { group, choice, networkMessageBytes, portBytesPerSecond }: Anatomy,
  c: CorrectionConstants,
): number {
  const { protocol } = choice;
  const { kind, stepLatencySeconds } = group.cluster.inter;
  const { step: ofTransport, common } = transports[kind];
  const step = stepLatencySeconds ?? c[common] * c[ofTransport];
  const ofProtocol = protocol === "LL" ? 0 : protocol === "LL128" ? c.networkLL128 : c.networkSimple;
  return (
    step +
    ofProtocol +
    (protocol === "LL" ? growth(networkMessageBytes) * c.growthNetwork : 0) +
    (c.storeAndForward * networkMessageBytes) / portBytesPerSecond
  );
}

function growth(messageBytes: number): number {
  return Math.log1p(messageBytes / growthFromBytes);
}

function streamFactor({ group, choice, portBytesPerSecond }: Anatomy, c: CorrectionConstants): number {
  const { protocol, algorithm } = choice;
  const { stream } = transports[group.cluster.inter.kind];
  const ofSockets = group.cluster.inter.kind === "tcp" ? beyond(portBytesPerSecond / c.socketCeiling) : 1;
  const ofLink = group.nodes > 1 ? c[stream] * ofSockets : group.layout.isNvlink ? 1 : c.streamPcie;
  if (protocol === "LL")
    return c.streamLL * ofLink * (group.minor < firstNewer && algorithm === "ring" ? c.olderStream : 1);
  if (protocol === "LL128") return c.streamLL128 * ofLink;
  if (algorithm === "tree") return c.streamTree * ofLink;
  if (algorithm === "nvls") return c.streamNvls * ofLink;
  return (algorithm === "nvls-tree" ? c.streamNvlsTree : c.streamRing) * ofLink;
}

function fillFactor(algorithm: Anatomy["choice"]["algorithm"], c: CorrectionConstants): number {
  switch (algorithm) {
    case "ring":
      return c.fillRing;
    case "tree":
      return c.fillTree;
    case "nvls":
      return c.fillNvls;
    case "nvls-tree":
      return c.fillNvlsTree;
    case "pat":
      return 0;
  }
}

/** Nearly 1 below 1, nearly x above. */
function beyond(x: number): number {
  return (1 + x ** 4) ** 0.25;
}

import { batchNormLayers } from "./groups.ts";
import type { StepModel } from "./step-model.ts";

/** What the figures of an estimate assume and leave out, in sentences. */
export function notesOf(steps: StepModel): string[] {
  const { request, collectives } = steps;
  const { gpu, gpus, precision, profile, stepSeconds, cluster } = request;
  const notes = [
    "The band is that of synchronisation: collectives, host costs and the drift between ranks by a factor of 2, kernels by 1.3.",
  ];
  if (stepSeconds === undefined)
    notes.push(
      "The baseline is modelled from data sheets and published ResNet-50 throughput and can be off by a factor of 2: " +
        "give a measured one with --step-time.",
    );
  else if (Math.abs(steps.step(1).seconds / stepSeconds - 1) > unmetShare)
    notes.push(
      "The measured step is shorter than its gradients' all-reduce is predicted to take: check gpus and cluster.",
    );
  if (batchNormLayers(request).length > 0)
    notes.push(
      "outputMse is a closed form for i.i.d. values; positions of real images correlate and count for fewer: it is a lower bound.",
    );
  if (precision === "tf32" && gpu.peakFlops.tf32 === null)
    notes.push(`${cluster.gpu} has no TF32: tf32 is float32 on it.`);
  if (gpus > cluster.gpusPerNode && gpus % cluster.gpusPerNode !== 0)
    notes.push(
      `${gpus} GPUs do not fill nodes of ${cluster.gpusPerNode}: collectives over all are priced with as many on each.`,
    );
  if (profile.groups === "world" && gpus > 1) notes.push(`${profile.title} synchronises all ranks or none.`);
  if (cluster.gpu.startsWith("tpu") && profile.name !== "flax" && profile.name !== "keras")
    notes.push(`${profile.title} has host costs of GPUs; on ${cluster.gpu} flax is nearer.`);
  return [...notes, ...collectives.notes()];
}

/** How near a measured step is met where it can be. */
const unmetShare = 1e-6;

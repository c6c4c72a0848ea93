import type { Cluster } from "../cluster.ts";
import { predictCollective } from "../nccl/predict.ts";
import type { CollectiveRequest } from "../nccl/request.ts";

/** One measured collective of the cluster that is calibrated. */
export interface CalibrationPoint {
  /** Everything but the cluster. */
  readonly request: Omit<CollectiveRequest, "cluster">;
  readonly measuredSeconds: number;
}

/** A point with what the calibrated cluster predicts. */
export interface CalibrationResidual extends CalibrationPoint {
  readonly predictedSeconds: number;
}

export interface Calibration {
  readonly cluster: Cluster;
  readonly residuals: readonly CalibrationResidual[];
}

/** Log errors beyond this count linearly: one row of a busy machine must not bend the fit. */
const huber = 0.2;
/** Weight of the bandwidth's distance from the line rate: it stays there unless the measurements object. */
const pull = 0.01;
/** Rounds over the parameters, and grids of each, every one as wide as two cells of the one before. */
const rounds = 4;
const grids = 3;
const cells = 24;

interface Parameter {
  readonly low: number;
  readonly high: number;
  readonly with: (cluster: Cluster, value: number) => Cluster;
}

const launch: Parameter = {
  low: 1e-6,
  high: 200e-6,
  with: (cluster, value) => ({ ...cluster, launchSeconds: value }),
};

/**
 * Find the launch and, where several nodes were measured, the step and the bandwidth between them that bring
 * predictions closest to what was measured: one parameter after the other on logarithmic grids. The bandwidth
 * stays below that of the base: no card is faster than its line.
 */
export function calibrateCluster(base: Cluster, points: readonly CalibrationPoint[]): Calibration {
  const isNetworked = points.some(({ request }) => request.nodes > 1);
  const parameters = isNetworked ? [launch, ...networkParameters(base)] : [launch];
  const line = base.inter.bandwidthBytesPerSecond;
  const cost = (at: Cluster): number =>
    misfit(at, points) + pull * Math.log(at.inter.bandwidthBytesPerSecond / line) ** 2;
  let cluster = base;
  for (let round = 0; round < rounds; round++)
    for (const parameter of parameters) cluster = best(cluster, parameter, cost);
  const residuals = points.map((point) => ({ ...point, predictedSeconds: predicted(cluster, point) }));
  return { cluster, residuals };
}

function networkParameters({ inter }: Cluster): Parameter[] {
  const line = inter.bandwidthBytesPerSecond;
  return [
    {
      low: 0.5e-6,
      high: 500e-6,
      with: (cluster, value) => ({ ...cluster, inter: { ...cluster.inter, stepLatencySeconds: value } }),
    },
    {
      low: line / 50,
      high: line,
      with: (cluster, value) => ({ ...cluster, inter: { ...cluster.inter, bandwidthBytesPerSecond: value } }),
    },
  ];
}

function best(cluster: Cluster, parameter: Parameter, cost: (at: Cluster) => number): Cluster {
  let [low, high] = [Math.log(parameter.low), Math.log(parameter.high)];
  let [bestCost, bestValue] = [cost(cluster), Number.NaN];
  for (let grid = 0; grid < grids; grid++) {
    const width = (high - low) / cells;
    let centre = (low + high) / 2;
    let lowest = Number.POSITIVE_INFINITY;
    for (let cell = 0; cell <= cells; cell++) {
      const value = low + cell * width;
      const at = cost(parameter.with(cluster, Math.exp(value)));
      if (at < lowest) [lowest, centre] = [at, value];
    }
    if (lowest < bestCost) [bestCost, bestValue] = [lowest, Math.exp(centre)];
    [low, high] = [centre - width, centre + width];
  }
  return Number.isNaN(bestValue) ? cluster : parameter.with(cluster, bestValue);
}

function misfit(cluster: Cluster, points: readonly CalibrationPoint[]): number {
  return points.reduce((sum, point) => {
    const error = Math.abs(Math.log(predicted(cluster, point) / point.measuredSeconds));
    return sum + (error <= huber ? error * error : 2 * huber * error - huber * huber);
  }, 0);
}

function predicted(cluster: Cluster, { request }: CalibrationPoint): number {
  return predictCollective({ ...request, cluster }).seconds;
}

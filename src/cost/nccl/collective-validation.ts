import type { ValidationPoint } from "../validation.ts";
import { type MeasuredCase, measuredCollectives } from "./measured/measurements.ts";
import { predictCollective } from "./predict.ts";
import { settingOf, sizeClass } from "./uncertainty.ts";

const sizes = ["up to 32 KiB", "to 1 MiB", "to 32 MiB", "above"];

/** Every published collective that is shipped, also those of low trust and those that were not fitted. */
export function collectiveValidation(): ValidationPoint[] {
  return measuredCollectives().flatMap((one) => one.points.map((point) => validated(one, point)));
}

function validated(one: MeasuredCase, { bytes, seconds }: MeasuredCase["points"][number]): ValidationPoint {
  const prediction = predictCollective({ ...one.request, bytes });
  const isFitted = one.isFitted && bytes <= one.fittedBytesMaximum;
  const { cluster, nodes } = one.request;
  const where = isFitted ? settingOf(cluster, nodes) : "not fitted";
  return {
    family: `${where}, ${sizes[sizeClass(bytes)]}`,
    run: one.name,
    label: String(bytes),
    measuredSeconds: seconds,
    predictedSeconds: prediction.seconds,
    lowSeconds: prediction.lowSeconds,
    highSeconds: prediction.highSeconds,
    isFitted,
    source: one.source,
  };
}

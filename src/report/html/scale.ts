import { scaleLinear, scaleLog } from "d3-scale";

/** Where values lie along one direction of a drawing, and which of them deserve a tick. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Values from 0 or the least of them to the largest, rounded out to whole ticks. */
export function linearScale(
  values: readonly number[],
  range: readonly [number, number],
  ticks: number,
  startsAtZero = true,
): Scale {
  const [low, high] = bounds(values, startsAtZero);
  const scale = scaleLinear([low, high], range).nice(ticks);
  return { place: (value) => scale(value), ticks: scale.ticks(ticks) };
}

/** Positive values by their magnitude, with a tick at each power of ten, or of two where they are close. */
export function logScale(values: readonly number[], range: readonly [number, number], base: 2 | 10): Scale {
  const scale = scaleLog(bounds(values, false), range).base(base).nice();
  const [low, high] = scale.domain() as [number, number];
  const powers = scale.ticks().filter((tick) => isPower(tick, base) && tick >= low && tick <= high);
  const step = Math.ceil(powers.length / 6);
  return { place: (value) => scale(value), ticks: powers.filter((_, index) => index % step === 0) };
}

function isPower(value: number, base: number): boolean {
  const exponent = Math.log(value) / Math.log(base);
  return Math.abs(exponent - Math.round(exponent)) < 1e-6;
}

/** Bounds that are apart. */
function bounds(values: readonly number[], startsAtZero: boolean): [number, number] {
  const finite = values.filter(Number.isFinite);
  let low = finite.reduce((least, value) => Math.min(least, value), finite[0] ?? 0);
  let high = finite.reduce((most, value) => Math.max(most, value), finite[0] ?? 1);
  if (startsAtZero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (low === high) high = low === 0 ? 1 : low + Math.abs(low);
  return [low, high];
}

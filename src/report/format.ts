/** At most three significant digits, without an exponent. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Bytes for a reader, in binary units: `4.4 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${digits(value)} ${units[unit]}`;
}

/** Seconds for a reader: `12.6 µs`. */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds < 1e-3) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 1) return `${digits(seconds * 1e3)} ms`;
  return `${digits(seconds)} s`;
}

/** A share for a reader: `5.8 %`; what rounding alone explains is `< 0.001 %`. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0) return "0 %";
  if (Math.abs(percent) < 1e-3) return "< 0.001 %";
  return `${String(Number(percent.toPrecision(2)))} %`;
}

/** A whole number with thin groups of thousands: `1 023 000`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** `1 rank`, `8 ranks`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a, b and c`. */
export function enumerate(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

import { closest, distance } from "fastest-levenshtein";

/**
 * The known name that a mistyped one most likely meant, or undefined if none is near: at most a
 * third of its characters edited. Case and `-`, `_` or space between words do not count.
 */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  // Edit distance is quadratic; no known name is longer than this.
  if (known.length === 0 || typed.length > 100) return undefined;
  const bare = known.map(bareName);
  const nearest = closest(bareName(typed), bare);
  const isNear = distance(bareName(typed), nearest) <= Math.max(1, nearest.length / 3);
  return isNear ? known[bare.indexOf(nearest)] : undefined;
}

/** `; did you mean "ring"?`, or nothing where no known name is near. */
export function didYouMean(typed: unknown, known: readonly string[]): string {
  const name = typeof typed === "string" ? suggest(typed, known) : undefined;
  return name === undefined ? "" : `; did you mean ${JSON.stringify(name)}?`;
}

function bareName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, "");
}

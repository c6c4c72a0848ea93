import { assert } from "../../assert.ts";

/** Minor versions of NCCL 2 whose tuner is modelled. */
const oldest = 4;
const newest = 30;

/** What `isKnownVersion` accepts, in words. */
export const knownVersions: string = `2.${oldest} to 2.${newest}`;

/** Whether a text is a version of NCCL that is modelled: `2.26` or `2.26.2`. */
export function isKnownVersion(text: string): boolean {
  const match = /^2\.(\d{1,2})(?:\.\d{1,2})?$/.exec(text);
  return match !== null && Number(match[1]) >= oldest && Number(match[1]) <= newest;
}

/**
 * The minor version, 26 of `2.26.2`; the newest that is modelled where no version is given.
 *
 * @throws AssertionError if `isKnownVersion` does not hold.
 */
export function minorVersion(text: string | undefined): number {
  if (text === undefined) return newest;
  assert(isKnownVersion(text), `NCCL version ${text} is not one of ${knownVersions}`);
  return Number(text.split(".")[1]);
}

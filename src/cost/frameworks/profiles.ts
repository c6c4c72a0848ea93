import { otherProfiles } from "./other-frameworks.ts";
import type { FrameworkProfile } from "./profile.ts";
import { pytorchProfiles } from "./pytorch.ts";

const profiles: readonly FrameworkProfile[] = [...pytorchProfiles, ...otherProfiles];

/** Names that an estimate's `implementation` may have. */
export const profileNames: readonly string[] = profiles.map(({ name }) => name);

/** The profile of that name, or undefined if there is none. */
export function frameworkProfile(name: string): FrameworkProfile | undefined {
  return profiles.find((profile) => profile.name === name);
}

import type { GenerationSummary } from "@/api/types";

/** What stands where an image should: not yet or no more of one that was served, else why none was made. */
export const absence = (outcome: string): string => (outcome === "served" ? "no image" : outcome);

/** What is odd about one generation, in a word each. */
export function flagsOf({ score }: GenerationSummary): string[] {
  if (!score) return [];
  const flags: string[] = [];
  if (score.broken) flags.push("broken");
  if (score.blank) flags.push("blank");
  if (score.near_duplicate_of) flags.push("near duplicate");
  return flags;
}

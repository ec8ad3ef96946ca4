import type { GenerationSummary } from "@/api/types";

/** What is odd about one generation, in a word each. */
export function flagsOf({ score }: GenerationSummary): string[] {
  if (!score) return [];
  const flags: string[] = [];
  if (score.broken) flags.push("broken");
  if (score.blank) flags.push("blank");
  if (score.near_duplicate_of) flags.push("near duplicate");
  return flags;
}

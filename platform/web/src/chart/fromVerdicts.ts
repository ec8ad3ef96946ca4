/** A monitor's answers as lines. A verdict without a figure ("could not tell") is a gap. */
import type { Verdict } from "@/api/types";
import type { Limit, Line } from "@/chart/spec";
import { versionColor } from "@/ui/VersionTag";
import { named, oneIn } from "@/ui/words";

/** A p-value can be too small for a double; the chart stops here. */
const FLOOR = 1e-16;

/** Orders of magnitude: 3 is one in a thousand. Small p-values are what matters, and on a plain axis they are all zero. */
const surprise = (p: number): number => -Math.log10(Math.max(p, FLOOR));

function lines(verdicts: Verdict[], value: (verdict: Verdict) => number | null): Line[] {
  const found = new Map<number | null, Line>();
  for (const verdict of verdicts.toSorted((a, b) => (a.slot < b.slot ? -1 : 1))) {
    let line = found.get(verdict.version);
    if (!line) {
      line = { name: named(verdict.version), color: versionColor(verdict.version ?? 0), points: [] };
      found.set(verdict.version, line);
    }
    line.points.push([Date.parse(verdict.slot), value(verdict)]);
  }
  return [...found.values()];
}

export const surpriseLines = (verdicts: Verdict[]): Line[] =>
  lines(verdicts, ({ p_value }) => (p_value === null ? null : surprise(p_value)));

export const effectLines = (verdicts: Verdict[]): Line[] => lines(verdicts, ({ effect }) => effect);

/** The level of the newest answer: levels move only when the false-alarm budget is shared out anew. */
export function surpriseLimit(verdicts: Verdict[]): Limit[] {
  const newest = verdicts.find(({ threshold, p_value }) => threshold !== null && p_value !== null);
  if (!newest?.threshold) return [];
  return [{ value: surprise(newest.threshold), label: `alarm: ${oneIn(1 / newest.threshold)}` }];
}

export interface Run {
  newest: Verdict;
  oldest: Verdict;
  length: number;
}

/** Consecutive answers that say the same of the same version; an old one stands for several. Takes and gives the newest
 * first. */
export function runsOf(verdicts: Verdict[]): Run[] {
  const runs: Run[] = [];
  for (const verdict of verdicts) {
    const run = runs.at(-1);
    const same = run && (["health", "reason", "version"] as const).every((name) => run.newest[name] === verdict[name]);
    if (same) {
      run.oldest = verdict;
      run.length += verdict.ticks;
    } else {
      runs.push({ newest: verdict, oldest: verdict, length: verdict.ticks });
    }
  }
  return runs;
}

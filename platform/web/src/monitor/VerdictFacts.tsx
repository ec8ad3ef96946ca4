import type { ReactNode } from "react";

import type { AdHocVerdict, Verdict } from "@/api/types";
import { Facts } from "@/ui/Facts";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { count, duration, figure, humanise, percent } from "@/ui/words";

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** An answer: what it says, what it rests on, and how small a change it would have seen. */
export function VerdictFacts({ verdict }: { verdict: Verdict | AdHocVerdict }): ReactNode {
  const { health, summary, reason, version, n, window_seconds, effect, p_value, threshold, evidence } = verdict;
  return (
    <>
      <p style={{ marginBlockEnd: 8, fontSize: 15 }}><State of={health} /> {summary}</p>
      <Facts of={[
        ["Reason", humanise(reason)],
        ["Version", <VersionTag key="version" version={version} link />],
        ["Rests on", `${count(n)} generations${window_seconds === null ? "" : ` in ${duration(window_seconds)}`}`],
        ["Effect", figure(effect)],
        ["Would have seen", sees(number(evidence["detectable_effect"]), number(evidence["detectable_broken_share"]))],
        ["Smallest p-value", p_value === null ? "none: no test was made" : `${figure(p_value)}; alarms below ${figure(threshold)}`],
      ]} />
    </>
  );
}

/** The smallest change that is found with even odds at present. */
const sees = (effect: number | null, broken: number | null): string | null =>
  effect === null ? null : `a mean departure of ${figure(effect)} s.d.${broken === null ? "" : `, or ${percent(broken)} of broken images`}`;

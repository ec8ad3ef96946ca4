import type { ReactNode } from "react";

import type { ProbeRun } from "@/api/types";
import { State } from "@/ui/State";

/** Why probes were made, and of what. */
export const PURPOSES: Record<ProbeRun["purpose"], string> = {
  baseline: "Outputs to compare with",
  routine: "Every few minutes",
  suspect: "To confirm an alarm",
  reload: "The same version, loaded afresh",
  target: "The version to go back to",
  gate: "To compare a version with what serves before it may",
  requested: "Asked for",
};

/** What a run says; while it is under way, how far it is. Outputs to compare with say nothing by themselves. */
export function RunState({ run: { state, verdict } }: { run: ProbeRun }): ReactNode {
  if (verdict) return <State of={verdict.health} />;
  return state === "judged" ? <State of="accepted">Stored</State> : <State of={state} />;
}

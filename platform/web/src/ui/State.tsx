import type { ReactNode } from "react";

import { Icon, type IconName } from "@/ui/Icon";
import css from "@/ui/State.module.css";
import { humanise } from "@/ui/words";

/** Red is for "act now" alone; grey is for "we do not know", which is never shown as good. */
export type Tone = "bad" | "warn" | "good" | "busy" | "unknown";

const STATES: Record<string, [Tone, IconName]> = {
  healthy: ["good", "check"],
  degraded: ["bad", "alert"],
  inconclusive: ["unknown", "question"],
  error: ["warn", "alert"],
  idle: ["unknown", "minus"],

  triggered: ["bad", "alert"],
  acknowledged: ["warn", "person"],
  resolved: ["good", "check"],
  critical: ["bad", "alert"],
  high: ["warn", "alert"],
  low: ["unknown", "minus"],
  right: ["good", "check"],
  wrong: ["unknown", "cross"],

  served: ["good", "check"],
  filtered: ["warn", "minus"],
  failed: ["bad", "cross"],
  cancelled: ["unknown", "minus"],

  serving: ["good", "check"],
  ready: ["good", "check"],
  starting: ["busy", "clock"],
  draining: ["unknown", "minus"],
  stopped: ["unknown", "minus"],

  requested: ["busy", "clock"],
  preparing: ["busy", "clock"],
  verifying: ["busy", "clock"],
  canary: ["busy", "clock"],
  paused: ["warn", "person"],
  flipping: ["busy", "clock"],
  verified: ["good", "check"],
  changed: ["warn", "alert"],
  same: ["unknown", "check"],
  accepted: ["good", "check"],
  superseded: ["unknown", "minus"],
  rolled_back: ["unknown", "rollback"],
  aborted: ["unknown", "minus"],

  ordered: ["unknown", "clock"],
  making: ["busy", "clock"],
  made: ["busy", "clock"],
  judged: ["good", "check"],

  passed: ["good", "check"],
  missing: ["warn", "question"],
  not_applicable: ["unknown", "minus"],
  not_run: ["unknown", "question"],
  probing: ["busy", "clock"],
  unknown: ["unknown", "question"],

  identical: ["good", "check"],
  within_tolerance: ["good", "check"],
  beyond_tolerance: ["warn", "alert"],
  not_measured: ["unknown", "question"],
  other_version: ["unknown", "minus"],

  queued: ["unknown", "clock"],
  running: ["busy", "clock"],
  done: ["good", "check"],

  pending: ["busy", "clock"],
  delivered: ["good", "check"],
};

/** Severity in three ways at once: colour, shape and word. `children` replace the word where a better one is at hand. */
export function State({ of, tone, children }: { of: string; tone?: Tone; children?: ReactNode }): ReactNode {
  const [usual, icon] = STATES[of] ?? (["unknown", "question"] as const);
  return (
    <span className={css.chip} data-tone={tone ?? usual}>
      <Icon name={icon} size={13} />
      {children ?? humanise(of)}
    </span>
  );
}

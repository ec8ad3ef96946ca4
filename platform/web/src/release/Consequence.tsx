import type { ReactNode } from "react";

import type { GeneratorStatus, Version } from "@/api/types";
import css from "@/release/Consequence.module.css";
import { Icon, type IconName } from "@/ui/Icon";
import { VersionTag } from "@/ui/VersionTag";
import { duration } from "@/ui/words";

interface Props {
  from: number | null;
  to: number;
  fromNote: string | undefined;
  toNote: string | undefined;
}

/** What changes, large enough to be read half asleep: from one version to the other. */
export function Consequence({ from, to, fromNote, toNote }: Props): ReactNode {
  return (
    <div className={css.change}>
      <div className={css.side}>
        <span className={css.label}>Serving now</span>
        <VersionTag version={from} size="l" />
        <span className={css.note}>{fromNote}</span>
      </div>
      <span className={css.arrow}><Icon name="right" size={20} /></span>
      <div className={css.side}>
        <span className={css.label}>Will serve</span>
        <VersionTag version={to} size="l" />
        <span className={css.note}>{toNote}</span>
      </div>
    </div>
  );
}

interface Fact {
  icon: IconName;
  tone: "good" | "warn" | "unknown";
  text: string;
}

function inFlight(requests: number): string {
  if (requests === 0) return "No request is being made right now.";
  if (requests === 1) return "1 request is being made right now. It finishes where it is.";
  return `${requests} requests are being made right now. They finish where they are; none is dropped.`;
}

/** What somebody who did not build this needs to know before they confirm. */
export function consequences(status: GeneratorStatus, target: Version | undefined): Fact[] {
  const facts: Fact[] = status.serving?.external ? [] : [{ icon: "engine", tone: "unknown", text: inFlight(status.in_flight) }];
  if (!target) return facts;
  facts.unshift(
    target.external
      ? { icon: "alert", tone: "warn", text: `Your own service serves v${target.number}: this is entered into the ledger, and nothing is switched here.` }
      : target.warm
      ? { icon: "check", tone: "good", text: `v${target.number} is loaded and ready: the switch takes about a second.` }
      : { icon: "clock", tone: "warn", text: `v${target.number} is not loaded: an engine has to load it first, and v${status.serving?.version ?? "?"} serves until then.` },
    target.accepted
      ? { icon: "check", tone: "good", text: `v${target.number} is known good: it served and was accepted.` }
      : { icon: "alert", tone: "warn", text: `v${target.number} was never accepted as good.` },
  );
  const drill = status.rollback_target?.version === target.number ? status.rollback_target.drill : null;
  if (drill?.state === "failed")
    facts.unshift({ icon: "alert", tone: "warn", text: `The last drill of v${target.number} failed: ${drill.detail}` });
  else if (drill && drill.seconds !== null && !target.warm)
    facts.push({ icon: "check", tone: "good", text: `A drill had it ready from nothing in ${duration(drill.seconds)}.` });
  if (target.rolled_back)
    facts.unshift({ icon: "alert", tone: "warn", text: `Production was taken away from v${target.number} before.` });
  return facts;
}

export function Facts({ of }: { of: Fact[] }): ReactNode {
  return (
    <ul className={css.facts}>
      {of.map(({ icon, tone, text }) => (
        <li key={text} data-tone={tone}><Icon name={icon} size={15} /><span>{text}</span></li>
      ))}
    </ul>
  );
}

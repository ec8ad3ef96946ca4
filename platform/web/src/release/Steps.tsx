import { Progress } from "@mantine/core";
import type { ReactNode } from "react";

import type { Release } from "@/api/types";
import { ahead, stepWords } from "@/release/steps";
import css from "@/release/Steps.module.css";
import { Icon, type IconName } from "@/ui/Icon";
import { duration, figure, percent } from "@/ui/words";
import { When } from "@/ui/When";

const OVER_BADLY = new Set(["failed", "aborted", "superseded"]);

/** A rollback flips first and is looked at while it serves. */
const VERIFIED: Record<NonNullable<Release["verification"]>["state"], [IconName, string]> = {
  probing: ["clock", "Being verified by probes, while it serves"],
  passed: ["check", "Verified by probes after the flip"],
  failed: ["cross", "Not what it was, as probes say after the flip"],
  unknown: ["question", "Could not be verified after the flip"],
};

/** How much of a cold version's checkpoint has been read, and what its engine is at. */
function Loading({ of: { host, detail, bytes_read, bytes_total } }: { of: NonNullable<Release["loading"]> }): ReactNode {
  const share = bytes_total ? (bytes_read ?? 0) / bytes_total : null;
  return (
    <>
      {share !== null && <Progress value={100 * share} aria-label="Of the checkpoint read" mt={6} size="sm" />}
      <p className={css.detail}>{host}: {detail}{share !== null && `, ${percent(share)} of ${figure((bytes_total ?? 0) / 1e6)} MB read`}</p>
    </>
  );
}

/** The steps as the server reported them, with the time each took, and what is still ahead. */
export function Steps({ release }: { release: Release }): ReactNode {
  const { steps, moving, to_version: to, loading, verification } = release;
  return (
    <ol className={css.steps} aria-live="polite">
      {steps.map((step, i) => {
        const current = moving && i === steps.length - 1;
        const next = steps[i + 1];
        const took = next && (Date.parse(next.at) - Date.parse(step.at)) / 1000;
        return (
          <li key={step.seq} data-state={current ? "current" : OVER_BADLY.has(step.step) ? "bad" : "done"}>
            <span className={css.dot}><Icon name={current ? "clock" : OVER_BADLY.has(step.step) ? "cross" : "check"} size={12} /></span>
            <div className={css.body}>
              <div className={css.line}>
                <span className={css.name}>{stepWords(step.step, to)}</span>
                <span className={css.time}>{took === undefined ? null : `${duration(took)} · `}<When at={step.at} clock /></span>
              </div>
              {step.detail && <p className={css.detail}>{step.detail}</p>}
              {current && loading && <Loading of={loading} />}
            </div>
          </li>
        );
      })}
      {verification && (
        <li data-state={{ probing: "current", passed: "done", failed: "bad", unknown: "ahead" }[verification.state]}>
          <span className={css.dot}><Icon name={VERIFIED[verification.state][0]} size={12} /></span>
          <div className={css.body}>
            <span className={css.name}>{VERIFIED[verification.state][1]}</span>
            {verification.detail && <p className={css.detail}>{verification.detail}</p>}
          </div>
        </li>
      )}
      {ahead(release).map((state) => (
        <li key={state} data-state="ahead">
          <span className={css.dot} />
          <div className={css.body}><span className={css.name}>{stepWords(state, to)}</span></div>
        </li>
      ))}
    </ol>
  );
}

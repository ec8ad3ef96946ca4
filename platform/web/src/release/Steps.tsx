import type { ReactNode } from "react";

import type { Release } from "@/api/types";
import { ahead, stepWords } from "@/release/steps";
import css from "@/release/Steps.module.css";
import { Icon } from "@/ui/Icon";
import { duration } from "@/ui/words";
import { When } from "@/ui/When";

const OVER_BADLY = new Set(["failed", "aborted", "superseded"]);

/** The steps as the server reported them, with the time each took, and what is still ahead. */
export function Steps({ release }: { release: Release }): ReactNode {
  const { steps, moving, to_version: to } = release;
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
            </div>
          </li>
        );
      })}
      {ahead(release).map((state) => (
        <li key={state} data-state="ahead">
          <span className={css.dot} />
          <div className={css.body}><span className={css.name}>{stepWords(state, to)}</span></div>
        </li>
      ))}
    </ol>
  );
}

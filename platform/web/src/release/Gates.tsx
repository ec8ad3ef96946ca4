import type { ReactNode } from "react";

import type { Gate } from "@/api/types";
import css from "@/release/Gates.module.css";
import { State } from "@/ui/State";
import { humanise } from "@/ui/words";

/** What stands between a version and production, each gate with its reason. Missing evidence is never shown as good. */
export function Gates({ of }: { of: Gate[] }): ReactNode {
  return (
    <ul className={css.gates}>
      {of.map(({ gate, outcome, summary, required, overridden }) => (
        <li key={gate}>
          <div className={css.head}>
            <State of={outcome} />
            <span className={css.name}>{humanise(gate)}</span>
            {!required && <span className={css.note}>not required</span>}
            {overridden && <span className={css.note}>passed over by override</span>}
          </div>
          <p className={css.summary}>{summary}</p>
        </li>
      ))}
    </ul>
  );
}

import type { ReactNode } from "react";

import css from "@/ui/Facts.module.css";

/** Name and value pairs. A value that is null is left out; a value nobody knows should say so itself. */
export function Facts({ of }: { of: [string, ReactNode][] }): ReactNode {
  return (
    <dl className={css.facts}>
      {of.map(([name, value], place) =>
        value === null ? null : (
          <div key={place} className={css.fact}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

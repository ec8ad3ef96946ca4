import type { ReactNode } from "react";

import type { AttributeReading } from "@/api/types";
import css from "@/attribute/Shares.module.css";
import { count, percent } from "@/ui/words";

/** A colour for each option, in their order; those of versions, none of which says that something is bad. */
export const optionColor = (place: number): string => `--v${(place + 1) % 8}`;

/** How many of the images show which option, with what may be chance. */
export function Shares({ of: { shares, needed, n } }: { of: AttributeReading }): ReactNode {
  return (
    <ul className={css.shares}>
      {shares.map(({ option, count: found, share, low, high }, place) => (
        <li key={option} className={css.share}>
          <span className={css.option}>{option}</span>
          <span className={css.track} aria-hidden>
            {share !== null && <span className={css.fill} style={{ inlineSize: `${100 * share}%`, background: `var(${optionColor(place)})` }} />}
            {low !== null && high !== null && <span className={css.range} style={{ insetInlineStart: `${100 * low}%`, inlineSize: `${100 * (high - low)}%` }} />}
          </span>
          <span className={css.value}>
            {share === null ? (
              <span className="muted">{count(found)} images; too few: {count(n)} of {count(needed)}</span>
            ) : (
              <><b>{percent(share)}</b> <span className="muted">{percent(low)} to {percent(high)}</span></>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

import type { ReactNode } from "react";

import type { Figure } from "@/compare/figures";
import css from "@/compare/Interval.module.css";
import { count } from "@/ui/words";

/** A figure with its interval, or how many it would take to say one. */
export function Interval({ of: { value, low, high, n, needed }, format }: { of: Figure; format: (value: number) => string }): ReactNode {
  if (value === null) return <span className="muted">{needed == null ? "not known" : `too few: ${count(n)} of ${count(needed)}`}</span>;
  return <>{format(value)}{low != null && high != null && <span className={css.interval}>{format(low)} to {format(high)}</span>}</>;
}

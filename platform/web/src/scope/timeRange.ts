/** The window of time a page looks at. It lives in the URL, so that a link shows others what you see. */
export type TimeRange =
  | { kind: "relative"; span: Span }
  | { kind: "absolute"; from: Date; to: Date };

export const SPANS = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800 } as const;
export type Span = keyof typeof SPANS;
export const DEFAULT_SPAN: Span = "1h";

const isSpan = (value: string): value is Span => value in SPANS;

function instant(value: string | null): Date | null {
  if (!value) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Null where the URL names no range. A pair of instants wins over a span; an unreadable value counts as absent. */
export function readRange(search: URLSearchParams): TimeRange | null {
  const from = instant(search.get("from"));
  const to = instant(search.get("to"));
  if (from && to && from < to) return { kind: "absolute", from, to };
  const span = search.get("range");
  return span && isSpan(span) ? { kind: "relative", span } : null;
}

export function writeRange(search: URLSearchParams, range: TimeRange | null): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const name of ["range", "from", "to"]) next.delete(name);
  if (range?.kind === "relative") next.set("range", range.span);
  if (range?.kind === "absolute") {
    next.set("from", range.from.toISOString());
    next.set("to", range.to.toISOString());
  }
  return next;
}

export function resolve(range: TimeRange, now: Date): { from: Date; to: Date } {
  if (range.kind === "absolute") return { from: range.from, to: range.to };
  return { from: new Date(now.getTime() - SPANS[range.span] * 1000), to: now };
}

/** The same window as instants: what is on the screen now stays on it when the link is opened tomorrow. */
export const freeze = (range: TimeRange, now: Date): TimeRange => ({ kind: "absolute", ...resolve(range, now) });

/** Stable while the window means the same; a cache key, where a moving "now" would never hit. */
export const rangeKey = (range: TimeRange): string =>
  range.kind === "relative" ? range.span : `${range.from.toISOString()}/${range.to.toISOString()}`;

export const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** How numbers, times and the API's codes read on the page. */

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** "52 min", "3 h", "9 d": two figures at most, for the age of something. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172_800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

export function ago(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 5) return "just now";
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3]!;
  return relative.format(Math.trunc(seconds / size), unit);
}

const sameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString();
const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };

/** The clock time, with the day where it is not today's. */
export function instant(at: Date, now = new Date()): string {
  const clock = at.toLocaleTimeString("en-GB", CLOCK);
  if (sameDay(at, now)) return clock;
  const day = at.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }),
  });
  return `${day}, ${clock}`;
}

/** A calendar day of the server's, which counts in UTC: "22 Nov 2026". */
export const day = (date: string): string =>
  new Date(`${date}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export const count = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 0 });

/** "one in ten million" in figures people can say. */
export const oneIn = (value: number): string =>
  `1 in ${value.toLocaleString("en", { notation: "compact", compactDisplay: "long", maximumSignificantDigits: 2 })}`;

/** How often something that is expected `n` times a month comes up: "2 a month", "one in 4 months". */
export const monthly = (n: number): string => {
  if (n <= 0) return "none";
  if (n >= 0.95) return `${figure(n)} a month`;
  const months = 1 / n;
  return months < 23.5 ? `one in ${figure(Number(months.toPrecision(2)))} months` : `one in ${figure(Number((months / 12).toPrecision(2)))} years`;
};

/** Three significant figures; an en dash where there is nothing to say. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.0005) return value.toExponential(1);
  return value.toLocaleString("en", size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
}

export const percent = (share: number | null): string =>
  share === null || !Number.isFinite(share)
    ? "–"
    : `${(share * 100).toLocaleString("en", { maximumFractionDigits: share < 0.1 ? 2 : 0 })} %`;

export const milliseconds = (ms: number | null): string => (ms === null ? "–" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** "too_few_generations" as people write it. Codes stay what they are in the API; nothing is looked up here. */
export const humanise = (code: string): string => {
  const spaced = code.replaceAll(/[_.-]+/g, " ").trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

export const short = (digest: string, length = 10): string => digest.slice(0, length);
export const named = (version: number | null | undefined): string => (version === null || version === undefined ? "nothing" : `v${version}`);

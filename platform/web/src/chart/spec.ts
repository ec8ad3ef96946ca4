/** What a chart over time shows. Instants are epoch milliseconds; colours are names of tokens. */
export interface Line {
  name: string;
  color: string;
  points: [at: number, value: number | null][];
  /** Half the width of the band around each point (a standard error, say); same order as `points`. */
  band?: (number | null)[];
  dashed?: boolean;
}

export interface Limit {
  value: number;
  label: string;
}

export interface Marker {
  at: number;
  label: string;
  href: string;
}

export interface Shade {
  from: number;
  to: number;
}

export interface ChartSpec {
  from: number;
  to: number;
  lines: Line[];
  limits: Limit[];
  markers: Marker[];
  shades: Shade[];
  format: (value: number) => string;
  /** The axis starts at zero: rates and times; not for scores, whose changes are small against their size. */
  zero: boolean;
  /** The axis reaches at least this high, so that a flat zero does not fill it with meaningless ticks. */
  least?: number;
}

export const isEmpty = (spec: ChartSpec): boolean => spec.lines.every(({ points }) => points.every(([, value]) => value === null));

/** Of markers that stand too close to be read apart, the newest keeps its label. */
export function legible(markers: Marker[], from: number, to: number): Marker[] {
  const room = (to - from) * 0.1;
  return markers.map((marker, i) => {
    const next = markers[i + 1];
    return next && next.at - marker.at < room ? { ...marker, label: "" } : marker;
  });
}

/** The chart in a sentence, for whoever cannot see it. */
export function describe(title: string, spec: ChartSpec): string {
  const lines = spec.lines.flatMap(({ name, points }) => {
    const values = points.flatMap(([, value]) => (value === null ? [] : [value]));
    const last = values.at(-1);
    if (last === undefined) return [];
    return `${name}: latest ${spec.format(last)}, between ${spec.format(Math.min(...values))} and ${spec.format(Math.max(...values))}`;
  });
  const limits = spec.limits.map(({ label }) => label);
  return [title, ...(lines.length ? lines : ["no data in this range"]), ...limits].join(". ") + ".";
}

import type { Series } from "@/api/types";

type Points = (number | null)[];

export interface Figure {
  value: number | null;
  /** What the value rests on, so that a rate of three images is not taken for a rate. */
  n: number;
  shape: Points;
}

export interface Summary {
  alignment: Figure;
  spoiled: Figure;
  failed: Figure;
  p95: Figure;
  served: Figure;
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const share = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

/** Values by bucket, with a null for every bucket of the range that has none. */
function shape<B extends { at: string }>(buckets: B[], from: number, to: number, seconds: number, value: (b: B) => number | null): Points {
  const step = seconds * 1000;
  const length = Math.max(1, Math.ceil((to - from) / step));
  const points: Points = Array.from({ length }, () => null);
  for (const bucket of buckets) {
    const i = Math.floor((Date.parse(bucket.at) - from) / step);
    if (i >= 0 && i < length) points[i] = value(bucket);
  }
  return points;
}

/** The figures of one version over the range of a series. */
export function summarise(series: Series & { from: number; to: number }, version: number): Summary {
  const { from, to, bucket_seconds: seconds } = series;
  const traffic = series.traffic.filter((bucket) => bucket.version === version);
  const signals = series.signals.filter((bucket) => bucket.version === version);
  const served = sum(traffic.map((bucket) => bucket.served));
  const failed = sum(traffic.map((bucket) => bucket.failed));
  const scored = sum(signals.map((bucket) => bucket.n));
  const aligned = signals.filter((bucket) => bucket.alignment !== null);
  const alignedN = sum(aligned.map((bucket) => bucket.n));
  return {
    alignment: {
      value: share(sum(aligned.map((bucket) => (bucket.alignment ?? 0) * bucket.n)), alignedN),
      n: alignedN,
      shape: shape(aligned, from, to, seconds, (bucket) => bucket.alignment),
    },
    spoiled: {
      value: share(sum(signals.map((bucket) => bucket.blank + bucket.broken)), scored),
      n: scored,
      shape: shape(signals, from, to, seconds, (bucket) => share(bucket.blank + bucket.broken, bucket.n)),
    },
    failed: {
      value: share(failed, served + failed),
      n: served + failed,
      shape: shape(traffic, from, to, seconds, (bucket) => share(bucket.failed, bucket.served + bucket.failed)),
    },
    p95: {
      value: traffic.findLast((bucket) => bucket.p95_ms !== null)?.p95_ms ?? null,
      n: traffic.findLast((bucket) => bucket.p95_ms !== null)?.served ?? 0,
      shape: shape(traffic, from, to, seconds, (bucket) => bucket.p95_ms),
    },
    served: { value: served, n: served, shape: shape(traffic, from, to, seconds, (bucket) => bucket.served) },
  };
}

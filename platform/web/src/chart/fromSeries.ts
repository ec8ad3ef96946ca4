/** Charts from the API's series: a line a version, gaps where nothing was made, release markers, incident shades. */
import type { Series } from "@/api/types";
import type { ChartSpec, Line, Limit, Marker, Shade } from "@/chart/spec";
import { versionColor } from "@/ui/VersionTag";
import { named } from "@/ui/words";

export type WindowedSeries = Series & { from: number; to: number };
type Bucket = { at: string; version: number };

interface Drawing<B extends Bucket> {
  value: (bucket: B) => number | null;
  band?: (bucket: B) => number | null;
  suffix?: string;
  dashed?: boolean;
}

/** One line a version. A bucket that is missing breaks the line: no traffic is not a value in between. */
export function linesByVersion<B extends Bucket>(buckets: B[], seconds: number, drawing: Drawing<B>): Line[] {
  const lines = new Map<number, Line & { band: (number | null)[] }>();
  for (const bucket of buckets) {
    let line = lines.get(bucket.version);
    if (!line) {
      line = {
        name: named(bucket.version) + (drawing.suffix ?? ""),
        color: versionColor(bucket.version),
        points: [],
        band: [],
        ...(drawing.dashed ? { dashed: true } : {}),
      };
      lines.set(bucket.version, line);
    }
    const at = Date.parse(bucket.at);
    const last = line.points.at(-1);
    if (last && at - last[0] > seconds * 1500) {
      line.points.push([last[0] + seconds * 1000, null]);
      line.band.push(null);
    }
    line.points.push([at, drawing.value(bucket)]);
    line.band.push(drawing.band?.(bucket) ?? null);
  }
  return [...lines.values()].map(({ band, ...line }) => (drawing.band ? { ...line, band } : line));
}

/** Below this a standard error says little, and a band as high as the chart hides what it is about. */
const BAND_FROM_N = 5;

/** Prompt alignment with its 95 % interval. */
export const alignmentLines = ({ signals, bucket_seconds }: Series): Line[] =>
  linesByVersion(signals, bucket_seconds, {
    value: ({ alignment }) => alignment,
    band: ({ alignment_se, n }) => (alignment_se === null || n < BAND_FROM_N ? null : 1.96 * alignment_se),
  });

export const releaseMarkers = (series: Series, href: (path: string) => string): Marker[] =>
  series.releases.toSorted((a, b) => (a.at < b.at ? -1 : 1)).map(({ at, from_version, to_version, release_id, kind }) => ({
    at: Date.parse(at),
    label: `${kind === "rollback" ? "↩ " : ""}${from_version === null ? "" : `${named(from_version)} → `}${named(to_version)}`,
    href: href(`/releases/${release_id}`),
  }));

export const incidentShades = (series: WindowedSeries): Shade[] =>
  series.incidents.map(({ opened_at, resolved_at }) => ({
    from: Math.max(Date.parse(opened_at), series.from),
    to: Math.min(resolved_at ? Date.parse(resolved_at) : series.to, series.to),
  }));

interface Frame {
  series: WindowedSeries;
  href: (path: string) => string;
  lines: Line[];
  limits?: Limit[];
  format: (value: number) => string;
  zero?: boolean;
  least?: number;
}

export const chartOf = ({ series, href, lines, limits = [], format, zero = false, least }: Frame): ChartSpec => ({
  from: series.from,
  to: series.to,
  lines,
  limits,
  markers: releaseMarkers(series, href),
  shades: incidentShades(series),
  format,
  zero,
  ...(least === undefined ? {} : { least }),
});

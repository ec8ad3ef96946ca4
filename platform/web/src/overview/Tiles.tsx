import type { ReactNode } from "react";

import type { WindowedSeries } from "@/chart/fromSeries";
import css from "@/overview/Tiles.module.css";
import { type Figure, summarise } from "@/overview/summary";
import { Spark } from "@/ui/Spark";
import { versionColor } from "@/ui/VersionTag";
import { count, figure, milliseconds, percent } from "@/ui/words";

interface Tile {
  name: string;
  value: string;
  note: string;
  of: Figure;
}

const images = (n: number): string => `${count(n)} ${n === 1 ? "image" : "images"}`;

/** What the serving version did in the range. A figure without data is a dash, never a zero. */
export function Tiles({ series, version, perMinute }: { series: WindowedSeries; version: number; perMinute: number }): ReactNode {
  const { alignment, spoiled, failed, p95, served } = summarise(series, version);
  const tiles: Tile[] = [
    { name: "Images a minute", value: figure(perMinute), note: `${images(served.n)} in range`, of: served },
    { name: "Prompt alignment", value: alignment.value?.toFixed(3) ?? "–", note: `mean of ${images(alignment.n)}`, of: alignment },
    { name: "Blank or broken", value: percent(spoiled.value), note: `of ${images(spoiled.n)} scored`, of: spoiled },
    { name: "Failed requests", value: percent(failed.value), note: `of ${count(failed.n)}`, of: failed },
    { name: "Latency, 95th percentile", value: milliseconds(p95.value), note: "newest bucket", of: p95 },
  ];
  return (
    <dl className={css.tiles}>
      {tiles.map(({ name, value, note, of }) => (
        <div key={name} className={css.tile}>
          <dt>{name}</dt>
          <dd className={css.value}>{value}</dd>
          <dd className={css.note}>{of.n > 0 ? note : "no data in this range"}</dd>
          <dd className={css.spark}><Spark values={of.shape} color={`var(${versionColor(version)})`} /></dd>
        </div>
      ))}
    </dl>
  );
}

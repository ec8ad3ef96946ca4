import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { slicesQuery } from "@/api/queries";
import type { Standing } from "@/api/types";
import css from "@/monitor/Slices.module.css";
import { DataTable } from "@/ui/DataTable";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { count, duration, figure, percent } from "@/ui/words";

const ATTRIBUTES: Record<string, string> = { parameters: "request class" };

/** "replica=r7" and "replica (other)" as people say them. */
function spoken(slice: string): string {
  const [, attribute = slice, value] = /^(\w+)(?:=(.*)| \(other\))$/.exec(slice) ?? [];
  if (attribute === slice) return slice === "all" ? "All traffic" : slice;
  const noun = ATTRIBUTES[attribute] ?? attribute;
  return value === undefined ? `any other ${noun}` : `${noun} ${value}`;
}

/** How all traffic and each part of it stands, and how small a change would be seen in each now. */
export function Slices({ generator, monitor }: { generator: string; monitor: string }): ReactNode {
  const standings = useQuery(slicesQuery(generator)).data?.filter((one) => one.monitor === monitor) ?? [];
  const most = Math.max(...standings.map(({ detectable_effect }) => detectable_effect ?? 0));
  if (standings.length === 0) return null;
  return (
    <Panel flush title="Parts of the traffic" aside="and the smallest change that would be seen in each now">
      <DataTable caption="Parts of the traffic" rows={standings} rowKey={({ slice }) => slice} columns={[
        { name: "Part", cell: ({ slice }) => <b>{spoken(slice)}</b> },
        { name: "Answer", cell: ({ health }) => <State of={health} /> },
        { name: "Would see", grow: true, cell: (standing) => <Sight of={standing} most={most} /> },
        { name: "Window", end: true, cell: ({ window_seconds }) => (window_seconds === null ? "–" : duration(window_seconds)) },
        { name: "Images", end: true, cell: ({ n, unseen }) => <>{count(n)}{unseen > 0 && n > 0 && <span className="muted"> · {percent(unseen / n)} unlike the baseline</span>}</> },
        { name: "p-value", end: true, cell: ({ p_value }) => figure(p_value) },
      ]} />
    </Panel>
  );
}

function Sight({ of: { detectable_effect: effect }, most }: { of: Standing; most: number }): ReactNode {
  if (effect === null) return <span className="muted">nothing yet: too few images</span>;
  return (
    <span className={css.sight}>
      <span className={css.bar} style={{ inlineSize: `${(effect / most) * 100}%` }} aria-hidden />
      <span>{figure(effect)} s.d. and more</span>
    </span>
  );
}

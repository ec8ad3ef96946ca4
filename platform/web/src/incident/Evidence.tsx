import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { Link } from "react-router";

import { seriesQuery } from "@/api/queries";
import type { IncidentDetail } from "@/api/types";
import { chartOf, linesByVersion } from "@/chart/fromSeries";
import { TimeChart } from "@/chart/TimeChart";
import { remaining, reportLines } from "@/incident/evidence";
import { useHref } from "@/scope/scope";
import type { TimeRange } from "@/scope/timeRange";
import { useNow } from "@/ui/When";
import { DataTable } from "@/ui/DataTable";
import { Facts } from "@/ui/Facts";
import { Panel } from "@/ui/Panel";
import { count, duration, figure, humanise } from "@/ui/words";

/** What the verdict rests on: the signal around the opening, the figures, and Evidently's report of the scalars. */
export function Evidence({ incident }: { incident: IncidentDetail }): ReactNode {
  const { verdict, evidence } = incident;
  const lines = reportLines(evidence);
  const rest = { ...(verdict?.evidence ?? {}), ...remaining(evidence) };
  return (
    <>
      <Around incident={incident} />
      {verdict && (
        <Panel title="Verdict">
          <Facts of={[
            ["Answer", verdict.summary],
            ["Rests on", `${count(verdict.n)} generations${verdict.window_seconds === null ? "" : ` in ${duration(verdict.window_seconds)}`}`],
            ["Effect", figure(verdict.effect)],
            ["Smallest p-value", verdict.p_value === null ? null : `${figure(verdict.p_value)}; alarms below ${figure(verdict.threshold)}`],
          ]} />
        </Panel>
      )}
      {lines.length > 0 && (
        <Panel flush title="Scalar signals against the baseline" aside="Evidently">
          <DataTable caption="Evidently's report" rows={lines} rowKey={({ name }) => name} columns={[
            { name: "Metric", grow: true, cell: ({ name }) => name },
            { name: "Value", end: true, cell: ({ value }) => value },
          ]} />
        </Panel>
      )}
      {Object.keys(rest).length > 0 && (
        <Panel title="Everything recorded">
          <details>
            <summary>{Object.keys(rest).map(humanise).join(", ")}</summary>
            <pre style={{ overflowX: "auto", maxHeight: 420 }} tabIndex={0}>{JSON.stringify(rest, null, 2)}</pre>
          </details>
        </Panel>
      )}
    </>
  );
}

const BEFORE_MS = 45 * 60_000;
const AFTER_MS = 30 * 60_000;

/** Prompt alignment around the incident's opening. */
function Around({ incident }: { incident: IncidentDetail }): ReactNode {
  const href = useHref();
  const now = useNow().getTime();
  const opened = Date.parse(incident.opened_at);
  // Past its first half hour the window no longer moves: by the minute before that, so that it is asked for once a minute.
  const to = Math.min(Math.ceil(now / 60_000) * 60_000, (incident.resolved_at ? Date.parse(incident.resolved_at) : opened) + AFTER_MS);
  const range = useMemo<TimeRange>(() => ({ kind: "absolute", from: new Date(opened - BEFORE_MS), to: new Date(to) }), [opened, to]);
  const { data } = useQuery(seriesQuery(incident.generator, range));
  const spec = useMemo(() => {
    if (!data) return null;
    const lines = linesByVersion(data.signals, data.bucket_seconds, {
      value: ({ alignment }) => alignment,
      band: ({ alignment_se }) => (alignment_se === null ? null : 1.96 * alignment_se),
    });
    return chartOf({ series: data, href, lines, format: (value) => value.toFixed(3) });
  }, [data, href]);
  const link = href("/monitors", { from: range.kind === "absolute" ? range.from.toISOString() : undefined, to: new Date(to).toISOString() });
  return (
    <Panel flush title="Prompt alignment around it" aside={<Link to={link}>All signals then</Link>}>
      {spec && <TimeChart title="Prompt alignment around the incident" spec={spec} />}
    </Panel>
  );
}

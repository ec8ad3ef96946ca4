import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { Link } from "react-router";

import { seriesQuery } from "@/api/queries";
import type { IncidentDetail } from "@/api/types";
import { alignmentLines, chartOf } from "@/chart/fromSeries";
import { TimeChart } from "@/chart/TimeChart";
import { signalLines } from "@/incident/evidence";
import { useHref } from "@/scope/scope";
import type { TimeRange } from "@/scope/timeRange";
import { useNow } from "@/ui/When";
import { DataTable } from "@/ui/DataTable";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { count, duration, figure, humanise } from "@/ui/words";

/** What the verdict rests on: the signal around the opening, the figures, and Evidently's report of the scalars. */
export function Evidence({ incident }: { incident: IncidentDetail }): ReactNode {
  const { verdict, evidence } = incident;
  const lines = signalLines(evidence);
  const recorded = { verdict: verdict?.evidence ?? {}, incident: evidence };
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
        <Panel flush title="Signals against the baseline" aside="means of single images; the test is Evidently's">
          <DataTable caption="Signals against the baseline" rows={lines} rowKey={({ name }) => name} columns={[
            { name: "Signal", grow: true, cell: ({ name }) => humanise(name) },
            { name: "Now", end: true, cell: ({ current }) => figure(current) },
            { name: "Baseline", end: true, cell: ({ baseline }) => figure(baseline) },
            { name: "Moved", end: true, cell: ({ moved }) => moved === null ? "–" : `${moved > 0 ? "+" : "−"}${figure(Math.abs(moved))} s.d.` },
            { name: "Drift", cell: ({ outcome, reason }) => <Outcome outcome={outcome} reason={reason} /> },
            { name: "p-value", end: true, cell: ({ pValue }) => figure(pValue) },
          ]} />
        </Panel>
      )}
      <Panel title="Everything recorded">
        <details>
          <summary>The documents of the verdict and of the incident</summary>
          <pre style={{ overflowX: "auto", maxHeight: 420 }} tabIndex={0} aria-label="Recorded documents">{JSON.stringify(recorded, null, 2)}</pre>
        </details>
      </Panel>
    </>
  );
}

function Outcome({ outcome, reason }: { outcome: string | null; reason: string | null }): ReactNode {
  if (outcome === "drift") return <State of="degraded" tone="warn">Drift</State>;
  if (outcome === "no_drift") return <State of="healthy" tone="unknown">None</State>;
  return <span className="muted" title={reason ?? undefined}>{outcome === null ? "not tested" : "could not tell"}</span>;
}

const BEFORE_MS = 20 * 60_000;
const AFTER_MS = 30 * 60_000;

/** Prompt alignment around the incident's opening. */
function Around({ incident }: { incident: IncidentDetail }): ReactNode {
  const href = useHref();
  const now = useNow().getTime();
  const opened = Date.parse(incident.opened_at);
  // Past its first half hour the window no longer moves: by the minute before that, so that it is asked for once a minute.
  const to = Math.min(Math.ceil(now / 60_000) * 60_000, (incident.resolved_at ? Date.parse(incident.resolved_at) : opened) + AFTER_MS);
  const range = useMemo<TimeRange>(() => ({ kind: "absolute", from: new Date(opened - BEFORE_MS), to: new Date(to) }), [opened, to]);
  const query = useQuery(seriesQuery(incident.generator, range));
  const { data } = query;
  const spec = useMemo(
    () => data && chartOf({ series: data, href, lines: alignmentLines(data), format: (value) => value.toFixed(3) }),
    [data, href],
  );
  const link = href("/monitors", { from: range.kind === "absolute" ? range.from.toISOString() : undefined, to: new Date(to).toISOString() });
  return (
    <Panel flush title="Prompt alignment around it" aside={<Link to={link}>All signals then</Link>}>
      <Load query={query} height={190}>{() => spec && <TimeChart title="Prompt alignment around the incident" spec={spec} />}</Load>
    </Panel>
  );
}

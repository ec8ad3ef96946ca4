import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { Link } from "react-router";

import { incidentsQuery, latestQuery, seriesQuery } from "@/api/queries";
import type { GeneratorStatus } from "@/api/types";
import { alignmentLines, chartOf, linesByVersion, type WindowedSeries } from "@/chart/fromSeries";
import { TimeChart } from "@/chart/TimeChart";
import { NoImages } from "@/gallery/NoImages";
import { Thumbs } from "@/gallery/Thumb";
import { IncidentRow } from "@/incident/IncidentRow";
import { Engines } from "@/overview/Engines";
import { Now } from "@/overview/Now";
import { Tiles } from "@/overview/Tiles";
import { RangePicker } from "@/scope/RangePicker";
import { useGenerator, useHref, useTimeRange } from "@/scope/scope";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { milliseconds } from "@/ui/words";

const LATEST = 24;

export default function Overview(): ReactNode {
  const { current } = useGenerator();
  return (
    <>
      <PageHead title="Overview" heading={current?.name ?? "Overview"} lead={current?.description}><RangePicker /></PageHead>
      {current ? <Body status={current} /> : <Skeleton height={420} radius={8} role="status" aria-label="Loading" />}
    </>
  );
}

function Body({ status }: { status: GeneratorStatus }): ReactNode {
  const href = useHref();
  const { range } = useTimeRange();
  const { name, serving } = status;
  const incidents = useQuery(incidentsQuery(name, "open"));
  const series = useQuery(seriesQuery(name, range));
  const latest = useQuery(latestQuery(name, LATEST));

  if (!serving)
    return (
      <Empty icon="promote" title="Nothing serves yet" command={`safelight promote ${name} 1`}>
        Promote a version here or on the <Link to={href("/versions")}>versions page</Link>.
      </Empty>
    );
  return (
    <>
      <Now status={status} />
      {incidents.error && <Failure error={incidents.error} retry={() => void incidents.refetch()} />}
      {incidents.data && incidents.data.length > 0 && (
        <Panel flush title="Needs attention" aside={<Link to={href("/incidents")}>All incidents</Link>}>
          {incidents.data.map((incident) => <IncidentRow key={incident.id} incident={incident} />)}
        </Panel>
      )}
      <Load query={series} height={300}>
        {(data) => (
          <>
            <Tiles series={data} version={serving.version} perMinute={status.images_per_minute} />
            <Charts series={data} />
          </>
        )}
      </Load>
      <Panel title="Latest images" aside={<Link to={href("/generations")}>All generations</Link>}>
        <Load query={latest} height={220}>
          {(items) =>
            items.length > 0 ? (
              <Thumbs of={items} label="Latest images" rows={2} />
            ) : (
              <NoImages generator={name} />
            )
          }
        </Load>
      </Panel>
      <Engines engines={status.engines} serving={serving.version} external={serving.external} inFlight={status.in_flight} />
    </>
  );
}

function Charts({ series }: { series: WindowedSeries }): ReactNode {
  const href = useHref();
  const alignment = useMemo(
    () => chartOf({ series, href, lines: alignmentLines(series), format: (value) => value.toFixed(3) }),
    [series, href],
  );
  const latency = useMemo(() => {
    const half = linesByVersion(series.traffic, series.bucket_seconds, { value: ({ p50_ms }) => p50_ms, suffix: " median" });
    const slow = linesByVersion(series.traffic, series.bucket_seconds, { value: ({ p95_ms }) => p95_ms, suffix: " p95", dashed: true });
    return chartOf({ series, href, lines: [...half, ...slow], format: milliseconds, zero: true, least: 100 });
  }, [series, href]);
  return (
    <div style={{ display: "grid", gap: 18, gridTemplateColumns: "repeat(auto-fit, minmax(min(420px, 100%), 1fr))" }}>
      <Panel flush title="Prompt alignment" aside="mean CLIPScore and its 95 % interval">
        <TimeChart title="Prompt alignment by version" spec={alignment} />
      </Panel>
      <Panel flush title="Latency" aside="median and 95th percentile, as the caller sees it">
        <TimeChart title="Latency by version" spec={latency} />
      </Panel>
    </div>
  );
}

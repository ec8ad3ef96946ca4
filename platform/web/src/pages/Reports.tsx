import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { reportsQuery } from "@/api/queries";
import type { DailyReport } from "@/api/types";
import { METRICS } from "@/compare/figures";
import { Interval } from "@/compare/Interval";
import { useGenerator, useHref } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { count, day, figure } from "@/ui/words";

export default function Reports(): ReactNode {
  const { name } = useGenerator();
  return (
    <>
      <PageHead title="Daily reports" lead="For drift slower than a day, which no monitor sees: each day beside its baseline and the days before. A report never alarms." />
      {name && <Body key={name} generator={name} />}
    </>
  );
}

function Body({ generator }: { generator: string }): ReactNode {
  const href = useHref();
  return (
    <Load query={useQuery(reportsQuery(generator))} height={320}>
      {(reports) => (
        <Panel flush title="Days" aside={reports.length === 30 ? "newest first, the last 30" : "newest first, in UTC"}>
          {reports.length > 0 ? (
            <DataTable caption={`Daily reports of ${generator}`} rows={reports} rowKey={({ id }) => id} columns={[
              { name: "Day", cell: ({ id, day: of }) => <Link to={href(`/reports/${id}`)}>{day(of)}</Link> },
              { name: "Version", cell: ({ report }) => <VersionTag version={report.version} /> },
              { name: "What it says", grow: true, cell: ({ report }) => report.summary },
              { name: "Alignment", end: true, cell: (of) => <Told of={of} metric="alignment" /> },
              { name: "Blank or broken", end: true, cell: (of) => <Told of={of} metric="broken_rate" /> },
              { name: "Departure", end: true, cell: ({ report }) => figure(report.days[0]?.departure?.effect) },
              { name: "Images", end: true, cell: ({ report }) => count(report.days[0]?.n ?? 0) },
            ]} />
          ) : (
            <Empty icon="reports" title="No day has been reported yet">
              A report is made of every whole day (UTC) on which images were scored, soon after midnight.
            </Empty>
          )}
        </Panel>
      )}
    </Load>
  );
}

function Told({ of: { report }, metric }: { of: DailyReport; metric: "alignment" | "broken_rate" }): ReactNode {
  const today = report.days[0];
  return today ? <Interval of={today[metric]} format={METRICS[metric]?.format ?? figure} /> : null;
}

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { useParams } from "react-router";

import { reportQuery } from "@/api/queries";
import type { DailyReport } from "@/api/types";
import type { ChartSpec } from "@/chart/spec";
import { TimeChart } from "@/chart/TimeChart";
import { METRICS } from "@/compare/figures";
import { Interval } from "@/compare/Interval";
import css from "@/pages/Monitors.module.css";
import { useAdoptGenerator } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { versionColor, VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { count, day, figure, humanise, percent } from "@/ui/words";

type Document = DailyReport["report"];
type Day = Document["days"][number];

const DAY_MS = 24 * 3_600_000;
const format = (metric: string): ((value: number) => string) => METRICS[metric]?.format ?? figure;

export default function Report(): ReactNode {
  const query = useQuery(reportQuery(useParams()["id"] ?? ""));
  const report = query.data?.report;
  useAdoptGenerator(report?.generator);
  return (
    <>
      <PageHead title={query.data ? day(query.data.day) : "Daily report"} back={{ to: "/reports", label: "Daily reports" }} lead={report?.summary} />
      <Load query={query} height={480}>{(stored) => <Body stored={stored} />}</Load>
    </>
  );
}

function Body({ stored: { report, created_at } }: { stored: DailyReport }): ReactNode {
  const { days, trends, apart, version } = report;
  return (
    <>
      {days.length > 1 && <Charts report={report} />}
      <Panel title="Against the baseline"><AgainstBaseline report={report} created_at={created_at} /></Panel>
      <Panel flush title="From day to day" aside={`${count(days.length)} days of v${version}`}>
        <DataTable caption="Trends" rows={trends} rowKey={({ metric }) => metric} columns={[
          { name: "Figure", grow: true, cell: ({ metric }) => nameOf(metric) },
          { name: "Found", cell: (trend) => <Steadiness of={trend} /> },
          { name: "Moves a day", end: true, cell: ({ slope }) => <Interval of={slope} format={signed} /> },
          { name: "p-value", end: true, cell: ({ p_value, slope }) => (slope.value === null ? "–" : figure(p_value)) },
        ]} />
      </Panel>
      {apart.length > 0 && (
        <Panel flush title="Distance from an earlier day" aside="CMMD: may be a little below zero by chance">
          <DataTable caption="Distance from an earlier day" rows={apart} rowKey={({ days: ago }) => ago} columns={[
            { name: "Held against", grow: true, cell: ({ days: ago }) => (ago === 1 ? "the day before" : `${ago} days before`) },
            { name: "Images", end: true, cell: ({ images }) => <Interval of={images} format={figure} /> },
            { name: "Prompts", end: true, cell: ({ prompts }) => <Interval of={prompts} format={figure} /> },
          ]} />
        </Panel>
      )}
      <Panel flush title="Days" aside="newest first, of the same version">
        <DataTable caption="Days" rows={days} rowKey={({ day: of }) => of} columns={[
          { name: "Day", grow: true, cell: ({ day: of }) => day(of) },
          { name: "Images", end: true, cell: ({ n }) => count(n) },
          { name: "Alignment", end: true, cell: ({ alignment }) => <Interval of={alignment} format={format("alignment")} /> },
          { name: "Blank or broken", end: true, cell: ({ broken_rate }) => <Interval of={broken_rate} format={format("broken_rate")} /> },
          { name: "Departure", end: true, cell: ({ departure }) => figure(departure?.effect) },
        ]} />
      </Panel>
    </>
  );
}

function Steadiness({ of: { steady, slope } }: { of: Document["trends"][number] }): ReactNode {
  if (slope.value === null) return <span className="muted">too few days to tell</span>;
  return steady ? <State of="degraded" tone="warn">Too steady to be chance</State> : <span className="soft">no more than chance</span>;
}

function AgainstBaseline({ report: { days, version }, created_at }: { report: Document; created_at: string }): ReactNode {
  const departure = days[0]?.departure ?? null;
  const facts: [string, ReactNode][] = departure
    ? [
        ["Says", departure.summary],
        ["Baseline", departure.baseline],
        ["Departure", departure.effect === null ? "not known" : `${figure(departure.effect)} s.d.`],
        ["p-value", figure(departure.p_value)],
        ["Prompts moved", departure.prompts_moved === null ? "not known" : `${percent(departure.prompts_moved)} of what is asked`],
      ]
    : [["Says", "There was no baseline to hold the day against, or none that this release can read."]];
  return <Facts of={[...facts, ["Version", <VersionTag key="version" version={version} link />], ["Report made", <When key="made" at={created_at} clock />]]} />;
}

function Charts({ report: { days, version } }: { report: Document }): ReactNode {
  const [alignment, departure] = useMemo(
    () => [
      spec(days, version, ({ alignment: { value } }) => value, ({ alignment: { low, high } }) => (low == null || high == null ? null : (high - low) / 2), format("alignment")),
      spec(days, version, ({ departure: found }) => found?.effect ?? null, () => null, figure),
    ],
    [days, version],
  );
  return (
    <div className={css.charts}>
      <Panel flush title="Prompt alignment" aside="with 95 %, day by day"><TimeChart title="Prompt alignment by day" spec={alignment} /></Panel>
      <Panel flush title="Departure from the baseline" aside="in standard deviations"><TimeChart title="Departure by day" spec={departure} /></Panel>
    </div>
  );
}

/** Each day stands at its noon. */
function spec(days: Day[], version: number, value: (of: Day) => number | null, half: (of: Day) => number | null, words: (value: number) => string): ChartSpec {
  const oldest = days.toReversed();
  const noon = ({ day: of }: Day): number => Date.parse(of) + DAY_MS / 2;
  return {
    from: Date.parse(oldest[0]!.day),
    to: Date.parse(oldest.at(-1)!.day) + DAY_MS,
    lines: [{ name: `v${version}`, color: versionColor(version), points: oldest.map((of) => [noon(of), value(of)]), band: oldest.map(half) }],
    limits: [],
    markers: [],
    shades: [],
    format: words,
    zero: false,
  };
}

const nameOf = (metric: string): string => METRICS[metric]?.name ?? humanise(metric);
const signed = (value: number): string => (value > 0 ? `+${figure(value)}` : figure(value));

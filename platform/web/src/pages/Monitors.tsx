import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { Link } from "react-router";

import { monitorsQuery, seriesQuery } from "@/api/queries";
import type { Monitor } from "@/api/types";
import { alignmentLines, chartOf, linesByVersion, type WindowedSeries } from "@/chart/fromSeries";
import { TimeChart } from "@/chart/TimeChart";
import { Budget } from "@/monitor/Budget";
import css from "@/pages/Monitors.module.css";
import { RangePicker } from "@/scope/RangePicker";
import { useGenerator, useHref, useTimeRange } from "@/scope/scope";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { humanise, percent } from "@/ui/words";

export default function Monitors(): ReactNode {
  const { name } = useGenerator();
  return (
    <>
      <PageHead title="Monitors" lead="Scheduled questions about what is served. Not being able to tell is an answer of its own."><RangePicker /></PageHead>
      {name && <Body generator={name} />}
    </>
  );
}

function Body({ generator }: { generator: string }): ReactNode {
  const { range } = useTimeRange();
  const monitors = useQuery(monitorsQuery(generator));
  const series = useQuery(seriesQuery(generator, range));
  return (
    <>
      <Load query={monitors} height={240}>
        {(items) =>
          items.length > 0 ? (
            <>
              <ul className={css.list}>{items.toSorted(byUrgency).map((monitor) => <Row key={monitor.name} monitor={monitor} />)}</ul>
              <Budget monitors={items} />
            </>
          ) : (
            <Empty icon="monitors" title="No monitor watches this generator">Monitors begin with the first version that is promoted.</Empty>
          )
        }
      </Load>
      <Load query={series} height={420}>{(data) => <Charts series={data} />}</Load>
    </>
  );
}

const URGENCY = ["degraded", "error", "inconclusive", "healthy"];
const urgency = ({ latest, enabled }: Monitor): number => (enabled && latest ? URGENCY.indexOf(latest.health) : URGENCY.length);
const byUrgency = (a: Monitor, b: Monitor): number => urgency(a) - urgency(b);

function Row({ monitor }: { monitor: Monitor }): ReactNode {
  const href = useHref();
  const { name, question, latest, enabled, critical } = monitor;
  const informs = enabled && !critical && latest?.health === "degraded"; // worth knowing, and nobody's to act on at night
  return (
    <li>
      <Link to={href(`/monitors/${encodeURIComponent(name)}`)} className={css.row}>
        <State of={!enabled ? "idle" : (latest?.health ?? "unknown")} {...(informs ? { tone: "warn" } : {})}>{!enabled ? "Off" : latest ? undefined : "No answer yet"}</State>
        <span className={css.words}>
          <span className={css.name}>{humanise(name)}{!critical && <span className={css.tag}>for information</span>}</span>
          <span className={css.question}>{question}</span>
          {latest && <span className={css.answer}>{latest.summary}</span>}
        </span>
        <span className={css.reason}>
          {latest && <>{humanise(latest.reason)}<br /><span className="muted"><When at={latest.slot} /></span></>}
        </span>
      </Link>
    </li>
  );
}

function Charts({ series }: { series: WindowedSeries }): ReactNode {
  const href = useHref();
  const charts = useMemo(() => {
    const { signals, traffic, bucket_seconds: seconds } = series;
    const rate = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);
    return [
      {
        title: "Prompt alignment",
        aside: "mean CLIPScore and its 95 % interval",
        spec: chartOf({
          series, href, format: (value) => value.toFixed(3),
          lines: alignmentLines(series),
        }),
      },
      {
        title: "Blank, broken and near-duplicate images",
        aside: "share of scored images",
        spec: chartOf({
          series, href, format: percent, zero: true, least: 0.05,
          lines: linesByVersion(signals, seconds, { value: (b) => rate(b.blank + b.broken + b.near_duplicates, b.n) }),
        }),
      },
      {
        title: "Failed requests",
        aside: "share of requests",
        spec: chartOf({
          series, href, format: percent, zero: true, least: 0.05,
          lines: linesByVersion(traffic, seconds, { value: (b) => rate(b.failed, b.served + b.failed) }),
        }),
      },
      {
        title: "Sharpness",
        aside: "mean of scored images",
        spec: chartOf({ series, href, format: (value) => value.toPrecision(3), lines: linesByVersion(signals, seconds, { value: (b) => b.sharpness }) }),
      },
    ];
  }, [series, href]);
  return (
    <div className={css.charts}>
      {charts.map(({ title, aside, spec }) => (
        <Panel key={title} flush title={title} aside={aside}><TimeChart title={`${title} by version`} spec={spec} /></Panel>
      ))}
    </div>
  );
}

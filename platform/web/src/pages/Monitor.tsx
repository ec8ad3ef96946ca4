import { Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { useParams } from "react-router";

import { useRunMonitor, useSwitchMonitor } from "@/api/actions";
import { monitorsQuery, seriesQuery, verdictsQuery } from "@/api/queries";
import type { Verdict } from "@/api/types";
import { chartOf, type WindowedSeries } from "@/chart/fromSeries";
import { effectLines, runsOf, surpriseLimit, surpriseLines } from "@/chart/fromVerdicts";
import { TimeChart } from "@/chart/TimeChart";
import { AnswerNow, AskNow } from "@/monitor/AskNow";
import { Account } from "@/monitor/Budget";
import { Definition } from "@/monitor/Definition";
import { Slices } from "@/monitor/Slices";
import { VerdictFacts } from "@/monitor/VerdictFacts";
import css from "@/pages/Monitors.module.css";
import { RangePicker } from "@/scope/RangePicker";
import { useGenerator, useHref, useTimeRange } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure, Notice } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { count, figure, humanise, oneIn } from "@/ui/words";

export default function Monitor(): ReactNode {
  const name = useParams()["name"] ?? "";
  const generator = useGenerator().name;
  return generator ? <Body generator={generator} name={name} /> : null;
}

function Body({ generator, name }: { generator: string; name: string }): ReactNode {
  const { range } = useTimeRange();
  const monitors = useQuery(monitorsQuery(generator));
  const verdicts = useQuery(verdictsQuery(generator, name, range));
  const series = useQuery(seriesQuery(generator, range));
  const toggle = useSwitchMonitor(generator, name);
  const may = useMay("operate");
  const asking = useRunMonitor(generator, name);
  const monitor = monitors.data?.find((one) => one.name === name);
  return (
    <>
      <PageHead title={humanise(name)} lead={monitor?.question} back={{ to: "/monitors", label: "Monitors" }}>
        {monitor && may && <Switch size="sm" label="Enabled" checked={monitor.enabled} disabled={toggle.isPending} onChange={(event) => toggle.mutate(event.currentTarget.checked)} />}
        {monitor && may && <AskNow asking={asking} />}
        <RangePicker />
      </PageHead>
      {toggle.error && <Failure error={toggle.error} />}
      {monitors.data && !monitor && <Empty icon="question" title={`${generator} has no monitor called ${name}`} />}
      <AnswerNow asking={asking} />
      {monitor && !monitor.critical && <Informs kind={monitor.kind} />}
      {monitor && (
        <div className={css.charts}>
          {monitor.latest && <Newest verdict={monitor.latest} />}
          <Account monitor={monitor} />
        </div>
      )}
      <Load query={verdicts} height={420}>
        {(items) => (
          <>
            {series.data && items.length > 0 && <Charts series={series.data} verdicts={items} />}
            <Panel flush title="Answers" aside={`${count(items.reduce((answers, { ticks }) => answers + ticks, 0))} in range`}>
              {items.length > 0 ? <Answers verdicts={items} /> : <Empty icon="clock" title="No answer in this range">A monitor answers once a tick while something serves.</Empty>}
            </Panel>
          </>
        )}
      </Load>
      <Slices generator={generator} monitor={name} />
      {monitor && <Definition key={name} monitor={monitor} />}
    </>
  );
}

function Newest({ verdict }: { verdict: Verdict }): ReactNode {
  return <Panel title="Newest answer" aside={<When at={verdict.slot} />}><VerdictFacts verdict={verdict} /></Panel>;
}

function Charts({ series, verdicts }: { series: WindowedSeries; verdicts: Verdict[] }): ReactNode {
  const href = useHref();
  const [surprise, effect] = useMemo(
    () => [
      chartOf({ series, href, lines: surpriseLines(verdicts), limits: surpriseLimit(verdicts), format: (v) => oneIn(10 ** v), zero: true }),
      chartOf({ series, href, lines: effectLines(verdicts), format: (v) => figure(v) }),
    ],
    [series, verdicts, href],
  );
  return (
    <div className={css.charts}>
      <Panel flush title="How surprising" aside="chance of this if nothing had changed"><TimeChart title="Surprise" spec={surprise} /></Panel>
      <Panel flush title="Size of the departure" aside="in the unit of the monitor"><TimeChart title="Effect" spec={effect} /></Panel>
    </div>
  );
}

/** A monitor that wakes nobody says so before it says anything else. */
function Informs({ kind }: { kind: string }): ReactNode {
  return (
    <Notice tone="unknown" icon="monitors" title="For your information">
      {kind === "prompt_drift"
        ? "What people ask for has its own fashions. A change of it opens no incident and never rolls anything back."
        : "It opens no incident and never rolls anything back."}
    </Notice>
  );
}

/** Most answers repeat the one before: a run of the same answer is one line. */
function Answers({ verdicts }: { verdicts: Verdict[] }): ReactNode {
  return (
    <DataTable caption="Answers" rows={runsOf(verdicts)} rowKey={({ newest }) => newest.id} columns={[
      { name: "From", cell: ({ oldest }) => <When at={oldest.slot} clock /> },
      { name: "Until", cell: ({ newest }) => <When at={newest.slot} clock /> },
      { name: "Answer", cell: ({ newest }) => <State of={newest.health} /> },
      { name: "Times", end: true, cell: ({ length }) => count(length) },
      { name: "Version", cell: ({ newest }) => <VersionTag version={newest.version} /> },
      { name: "Why", grow: true, cell: ({ newest }) => newest.summary },
      { name: "Images", end: true, cell: ({ newest }) => count(newest.n) },
      { name: "p-value", end: true, cell: ({ newest }) => figure(newest.p_value) },
    ]} />
  );
}

import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { compareQuery, versionsQuery } from "@/api/queries";
import type { Comparison, Distance, Version } from "@/api/types";
import { type Figure, METRICS, standing } from "@/compare/figures";
import { Interval } from "@/compare/Interval";
import css from "@/pages/Compare.module.css";
import { RangePicker } from "@/scope/RangePicker";
import { useGenerator, useParam, useTimeRange } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { count, figure, humanise } from "@/ui/words";

const DISTANCES: Record<Distance["name"], string> = { clip_fd: "CLIP-FD", cmmd: "CMMD", kid: "KID" };

export default function Compare(): ReactNode {
  const { name, current } = useGenerator();
  const versions = useQuery({ ...versionsQuery(name ?? ""), enabled: name !== undefined });
  return (
    <>
      <PageHead title="Compare" lead="Two versions side by side, from what each made; intervals of 95 %."><RangePicker anyTime="Last 31 days" /></PageHead>
      {name && <Load query={versions} height={420}>{(known) => <Body key={name} generator={name} versions={known} serving={current?.serving?.version} />}</Load>}
    </>
  );
}

function Body({ generator, versions, serving }: { generator: string; versions: Version[]; serving: number | undefined }): ReactNode {
  const { chosen: range } = useTimeRange();
  const [a, setA] = useParam("a");
  const [b, setB] = useParam("b");
  // What serves against the version before it, until somebody chooses.
  const other = b || String(serving ?? versions[0]?.number ?? "");
  const reference = a || String(versions.map(({ number }) => number).find((number) => number < Number(other)) ?? "");
  const query = useQuery({ ...compareQuery(generator, [Number(reference), Number(other)], range), enabled: reference !== "" && other !== "" && reference !== other });
  const options = versions.map(({ number, description }) => ({ value: String(number), label: `v${number} ${description}` }));
  return (
    <>
      <div className={css.pick}>
        <Select label="Reference" w={300} data={options} allowDeselect={false} value={reference || null} onChange={setA} />
        <Select label="Held against it" w={300} data={options} allowDeselect={false} value={other || null} onChange={setB} />
      </div>
      {reference === "" || reference === other
        ? <Empty icon="compare" title="Choose two versions">A version is compared with another one.</Empty>
        : <Load query={query} height={420}>{(comparison) => <Found comparison={comparison} />}</Load>}
    </>
  );
}

function Found({ comparison: { sides, distances, notes } }: { comparison: Comparison }): ReactNode {
  const [reference, other] = sides;
  if (!reference || !other) return null;
  const metrics = Object.keys({ ...METRICS, ...other.metrics }).filter((name) => reference.metrics[name] ?? other.metrics[name]);
  return (
    <>
      <Panel flush title="Figures" aside={`${count(reference.n)} images of v${reference.version}, ${count(other.n)} of v${other.version}`}>
        <DataTable caption="Figures of both versions" rows={metrics} rowKey={(name) => name} columns={[
          { name: "Figure", grow: true, cell: (name) => METRICS[name]?.name ?? humanise(name) },
          { name: `v${reference.version}`, end: true, cell: (name) => <Value metric={name} of={reference.metrics[name]} /> },
          { name: `v${other.version}`, end: true, cell: (name) => <Value metric={name} of={other.metrics[name]} /> },
          { name: "Difference", cell: (name) => <Standing of={standing(name, reference.metrics[name], other.metrics[name])} version={other.version} /> },
        ]} />
      </Panel>
      <Panel flush title="Distances" aside="for people to look at: no monitor alarms on them">
        <DataTable caption="Distances" rows={distances} rowKey={(each) => each.name + each.of + each.versions.join()} columns={[
          { name: "Distance", cell: ({ name, of }) => `${DISTANCES[name]} of ${of}` },
          { name: "Between", cell: ({ versions: [from, to] }) => <span className="row" style={{ gap: 6 }}><VersionTag version={from} /><VersionTag version={to} /></span> },
          { name: "Value", end: true, cell: ({ figure: found }) => <Interval of={found} format={figure} /> },
          { name: "Unit", grow: true, cell: ({ unit }) => <span className="soft">{unit}</span> },
        ]} />
      </Panel>
      {notes.length > 0 && (
        <Panel title="To know before believing it"><ul className={css.notes}>{notes.map(({ code, text }) => <li key={code + text}>{text}</li>)}</ul></Panel>
      )}
    </>
  );
}

const Value = ({ metric, of }: { metric: string; of: Figure | undefined }): ReactNode =>
  of ? <Interval of={of} format={METRICS[metric]?.format ?? figure} /> : <span className="muted">–</span>;

function Standing({ of, version }: { of: ReturnType<typeof standing>; version: number }): ReactNode {
  if (of === "better") return <State of="healthy">v{version} better</State>;
  if (of === "worse") return <State of="degraded" tone="warn">v{version} worse</State>;
  return <span className="muted">{of === "same" ? "none that can be told" : "–"}</span>;
}

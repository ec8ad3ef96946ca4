import { NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { Problem } from "@/api/problem";
import { releasesQuery } from "@/api/queries";
import { differenceQuery } from "@/api/releasing";
import type { components } from "@/api/schema";
import type { Release } from "@/api/types";
import css from "@/release/Difference.module.css";
import { DataTable } from "@/ui/DataTable";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { count, humanise, instant, named } from "@/ui/words";

type Matter = components["schemas"]["MatterCompared"];

/** What became different from the release before, or from any other one. */
export function Difference({ release }: { release: Release }): ReactNode {
  const [before, setBefore] = useState("");
  const { data: releases = [] } = useQuery(releasesQuery(release.generator));
  const { data, error } = useQuery(differenceQuery(release.id, before || undefined));
  const others = releases.filter(({ id, ledger_seq }) => id !== release.id && ledger_seq !== null);
  if (error instanceof Problem && error.code === "nothing_before" && others.length === 0) return null; // the first of all
  return (
    <Panel flush title="What is different" aside={
      <NativeSelect size="xs" className={css.choice} aria-label="Compared with" value={before} onChange={({ currentTarget: { value } }) => setBefore(value)}
        data={[{ value: "", label: "from the release before" }, ...others.map(({ id, to_version, kind, created_at }) => ({ value: id, label: `from ${named(to_version)}, ${kind} of ${instant(new Date(created_at))}` }))]} />
    }>
      {error && <div className={css.failure}><Failure error={error} /></div>}
      {data?.comparisons.map((matter) => <Compared key={matter.matter} of={matter} />)}
    </Panel>
  );
}

function Compared({ of: { matter, changes, unknown } }: { of: Matter }): ReactNode {
  return (
    <section className={css.matter} aria-label={humanise(matter)}>
      <h3>
        {humanise(matter)}
        {changes.length > 0 ? <State of="changed" tone="warn">{`${count(changes.length)} changed`}</State> : !unknown && <State of="same" tone="unknown">The same</State>}
      </h3>
      {unknown && <p className="soft">{unknown}</p>}
      {changes.length > 0 && (
        <DataTable caption={humanise(matter)} rows={changes} rowKey={({ path }) => path} columns={[
          { name: "What", grow: true, cell: ({ path }) => <code className={css.path}>{path}</code> },
          { name: "Before", cell: ({ before }) => <Value of={before} /> },
          { name: "After", cell: ({ after }) => <Value of={after} /> },
        ]} />
      )}
    </section>
  );
}

const LONGEST = 28;

function Value({ of }: { of: unknown }): ReactNode {
  if (of === null || of === undefined) return <span className="muted">none</span>;
  const text = typeof of === "string" ? of : JSON.stringify(of);
  return <code title={text}>{text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}</code>;
}

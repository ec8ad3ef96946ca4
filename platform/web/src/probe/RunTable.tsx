import type { ReactNode } from "react";
import { Link } from "react-router";

import type { ProbeRun } from "@/api/types";
import { PURPOSES, RunState } from "@/probe/words";
import { useHref } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";

export function RunTable({ runs }: { runs: ProbeRun[] }): ReactNode {
  const href = useHref();
  return (
    <DataTable caption="Probe runs" rows={runs} rowKey={({ id }) => id} columns={[
      { name: "Run", cell: ({ id, purpose }) => <Link to={href(`/probes/${id}`)}>{PURPOSES[purpose]}</Link> },
      { name: "Says", cell: (run) => <RunState run={run} /> },
      { name: "Version", cell: ({ version, against }) => <span className="row" style={{ gap: 6 }}><VersionTag version={version} />{against !== null && <span className="muted">against v{against}</span>}</span> },
      { name: "Why", grow: true, cell: ({ verdict, detail }) => verdict?.summary || detail || <span className="muted">–</span> },
      { name: "Pairs", end: true, cell: ({ size }) => size },
      { name: "Engine", cell: ({ replica }) => replica ?? <span className="muted">–</span> },
      { name: "When", cell: ({ ordered_at }) => <When at={ordered_at} /> },
    ]} />
  );
}

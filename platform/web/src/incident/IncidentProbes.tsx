import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { probeRunsQuery } from "@/api/queries";
import type { IncidentDetail } from "@/api/types";
import { PURPOSES, RunState } from "@/probe/words";
import { useHref } from "@/scope/scope";
import { Facts } from "@/ui/Facts";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";

/** The probes made because of it: of the suspect, and of the version to go back to. */
export function IncidentProbes({ incident }: { incident: IncidentDetail }): ReactNode {
  const href = useHref();
  const runs = useQuery(probeRunsQuery(incident.generator)).data?.filter(({ incident_id }) => incident_id === incident.id) ?? [];
  if (runs.length === 0) return null;
  return (
    <Panel title="Probes">
      <Facts of={runs.map((run): [string, ReactNode] => [
        PURPOSES[run.purpose],
        <span key={run.id} className="row"><VersionTag version={run.version} /><RunState run={run} /><Link to={href(`/probes/${run.id}`)}>{run.size} pairs</Link></span>,
      ])} />
    </Panel>
  );
}

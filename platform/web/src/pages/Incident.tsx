import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import { incidentQuery } from "@/api/queries";
import type { IncidentDetail } from "@/api/types";
import { Decisions } from "@/guard/Decisions";
import { IncidentActions } from "@/incident/IncidentActions";
import { Evidence } from "@/incident/Evidence";
import { ChangesBefore } from "@/incident/ChangesBefore";
import { Contributors } from "@/incident/Contributors";
import { IncidentProbes } from "@/incident/IncidentProbes";
import { Judgement } from "@/incident/Judgement";
import { OnePart } from "@/incident/OnePart";
import { RunbookPanel } from "@/incident/RunbookPanel";
import { OwnerField, SeverityField } from "@/incident/Standing";
import { Timeline } from "@/incident/Timeline";
import { Topics } from "@/incident/Topics";
import { WorstImages } from "@/incident/WorstImages";
import css from "@/pages/Incident.module.css";
import { useAdoptGenerator, useHref } from "@/scope/scope";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { Lasting, When } from "@/ui/When";
import { humanise } from "@/ui/words";

export default function Incident(): ReactNode {
  const query = useQuery(incidentQuery(useParams()["id"] ?? ""));
  const incident = query.data;
  useAdoptGenerator(incident?.generator);
  return (
    <>
      <PageHead title={incident?.title ?? "Incident"} back={{ to: "/incidents", label: "Incidents" }}
        lead={incident && <><State of={incident.state}>{incident.state === "triggered" && incident.reopened_at ? "Triggered again" : undefined}</State> {incident.verdict?.summary}</>}>
        {incident && <IncidentActions incident={incident} />}
      </PageHead>
      <Load query={query} height={420}>{(one) => <Body incident={one} />}</Load>
    </>
  );
}

function Body({ incident }: { incident: IncidentDetail }): ReactNode {
  return (
    <>
      <OnePart incident={incident} />
      <div className={css.columns}>
        <div className="stack">
          <WorstImages evidence={incident.evidence} generator={incident.generator} version={incident.suspect_version} />
          <Topics evidence={incident.evidence} />
          <Contributors evidence={incident.evidence} />
          <Evidence incident={incident} />
        </div>
        <div className="stack">
          <Panel title="At a glance" aside={<a href={`/api/v1/incidents/${incident.id}/post-mortem`} download>Post-mortem</a>}><Glance incident={incident} /></Panel>
          <ChangesBefore incident={incident} />
          <RunbookPanel runbook={incident.runbook} />
          <Decisions incident={incident} />
          <Panel title="Timeline"><Timeline incident={incident} /></Panel>
          <Judgement incident={incident} />
          <IncidentProbes incident={incident} />
        </div>
      </div>
    </>
  );
}

function Glance({ incident }: { incident: IncidentDetail }): ReactNode {
  const href = useHref();
  const { monitor, reason, suspect_version, suspect_release_id, suggested_target, repair_release_id } = incident;
  const { opened_at, reopened_at, acknowledged_at, acknowledged_by, resolved_at, resolved_by, resolution } = incident;
  return (
    <Facts of={[
      ["Severity", <SeverityField key="severity" incident={incident} />],
      ["Owner", <OwnerField key="owner" incident={incident} />],
      ["Found by", <Link key="monitor" to={href(`/monitors/${encodeURIComponent(monitor)}`)}>{humanise(monitor)}</Link>],
      ["Reason", humanise(reason)],
      ["Suspect", <span key="suspect" className="row"><VersionTag version={suspect_version} link />{suspect_release_id && <Link to={href(`/releases/${suspect_release_id}`)}>its release</Link>}</span>],
      ["Way back", suggested_target === null ? "no earlier version is known to be good" : <VersionTag key="target" version={suggested_target} link />],
      ["Opened", <span key="opened"><When at={opened_at} clock />, <Lasting from={opened_at} to={resolved_at} /> {resolved_at ? "long" : "ago"}</span>],
      ["Opened again", reopened_at ? <When key="again" at={reopened_at} clock /> : null],
      ["Taken by", acknowledged_by ? <span key="taken">{acknowledged_by}, <When at={acknowledged_at} clock /></span> : "nobody yet"],
      ["Repair", repair_release_id ? <Link key="repair" to={href(`/releases/${repair_release_id}`)}>The release that replaced it</Link> : null],
      ["Resolved", resolved_at ? <span key="resolved"><When at={resolved_at} clock /> by {resolved_by}{resolution && `, ${humanise(resolution).toLowerCase()}`}</span> : null],
    ]} />
  );
}

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { changesBeforeQuery } from "@/api/queries";
import type { components } from "@/api/schema";
import type { IncidentDetail } from "@/api/types";
import css from "@/incident/ChangesBefore.module.css";
import { useHref } from "@/scope/scope";
import { Icon, type IconName } from "@/ui/Icon";
import { Load } from "@/ui/Load";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

type Change = components["schemas"]["ChangeInfo"];

const ICONS: Record<Change["matter"], IconName> = { release: "releases", environment: "alert", engine: "engine", setting: "settings" };

/** Releases, environments and settings of the hour before it began. What came before need not be the cause. */
export function ChangesBefore({ incident }: { incident: IncidentDetail }): ReactNode {
  return (
    <Panel title="What changed before" aside="in the hour before it began">
      <Load query={useQuery(changesBeforeQuery(incident.id))} height={60}>
        {(changes) => changes.length === 0 ? <p className="soft">Nothing that Safelight knows of: no release, no other environment, no setting.</p> : (
          <ul className={css.list}>{changes.map((change, place) => <Line key={place} change={change} />)}</ul>
        )}
      </Load>
    </Panel>
  );
}

function Line({ change: { at, matter, summary, data } }: { change: Change }): ReactNode {
  const href = useHref();
  const release = data["release_id"];
  return (
    <li data-matter={matter}>
      <Icon name={ICONS[matter]} size={15} />
      <span>
        {typeof release === "string" ? <Link to={href(`/releases/${release}`)}>{summary}</Link> : summary}
        <span className={css.note}>{humanise(matter)} · <When at={at} clock /></span>
      </span>
    </li>
  );
}

import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Incident } from "@/api/types";
import css from "@/incident/IncidentRow.module.css";
import { useHref } from "@/scope/scope";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { Lasting, When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** One incident in a list: what is wrong, since when, who has it. The whole row is the link. */
export function IncidentRow({ incident }: { incident: Incident }): ReactNode {
  const href = useHref();
  const { id, state, title, monitor, suspect_version, opened_at, resolved_at, acknowledged_by, resolution, severity, owner, reopened_at, judgement } = incident;
  return (
    <Link to={href(`/incidents/${id}`)} className={css.row}>
      <State of={state} />
      <span className={css.words}>
        <span className={css.title}>{title}</span>
        <span className={css.note}>
          {state !== "resolved" && <>{severity} · </>}found by {humanise(monitor).toLowerCase()}
          {state !== "resolved" && reopened_at && <> · opened again</>}
          {state !== "resolved" && (owner ?? acknowledged_by) && <> · {owner ?? acknowledged_by} has it</>}
          {judgement === "wrong" && <> · a wrong alarm</>}
          {resolution && <> · {humanise(resolution).toLowerCase()}</>}
        </span>
      </span>
      <span className={css.suspect}>{suspect_version !== null && <>suspect <VersionTag version={suspect_version} /></>}</span>
      <span className={css.time}>
        <When at={opened_at} />
        <span className="muted">{resolved_at ? "lasted " : "open for "}<Lasting from={opened_at} to={resolved_at} /></span>
      </span>
    </Link>
  );
}

import { NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { useChangeIncident } from "@/api/actions";
import { sessionQuery } from "@/api/queries";
import type { IncidentDetail, Severity } from "@/api/types";
import css from "@/incident/Standing.module.css";
import { useMay } from "@/session/role";
import { Failure } from "@/ui/Notice";
import { State } from "@/ui/State";
import { humanise } from "@/ui/words";

const SEVERITIES: Severity[] = ["critical", "high", "low"];

/** How urgent it is, as derived or as somebody has said. */
export function SeverityField({ incident: { id, severity, severity_by } }: { incident: IncidentDetail }): ReactNode {
  const may = useMay("operate");
  const change = useChangeIncident(id);
  return (
    <span className={css.field}>
      {may
        ? <NativeSelect size="xs" aria-label="Severity" value={severity} disabled={change.isPending} data={SEVERITIES.map((one) => ({ value: one, label: humanise(one) }))}
            onChange={({ currentTarget: { value } }) => change.mutate({ severity: value as Severity })} />
        : <State of={severity} />}
      <span className="muted">{severity_by ? `set by ${severity_by}` : "derived"}</span>
      {change.error && <Failure error={change.error} />}
    </span>
  );
}

/** Whose it is: to be taken, or handed back. */
export function OwnerField({ incident: { id, owner } }: { incident: IncidentDetail }): ReactNode {
  const may = useMay("operate");
  const { data: session } = useQuery(sessionQuery);
  const change = useChangeIncident(id);
  const me = session?.name;
  return (
    <span className={css.field}>
      {owner ?? <span className="muted">nobody yet</span>}
      {may && me && me !== owner && <button type="button" className={css.act} disabled={change.isPending} onClick={() => change.mutate({ owner: me })}>make it mine</button>}
      {may && owner && <button type="button" className={css.act} disabled={change.isPending} onClick={() => change.mutate({ owner: null })}>let go</button>}
      {change.error && <Failure error={change.error} />}
    </span>
  );
}

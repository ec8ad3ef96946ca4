import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

import css from "@/audit/EvidencePack.module.css";
import { useMay } from "@/session/role";
import { Panel } from "@/ui/Panel";

const DAY_MS = 86_400_000;
const day = (date: Date): string => date.toISOString().slice(0, 10);

/** Every record of a period in one zip, mapped to what auditors go by. The browser loads it; nothing is kept here. */
export function EvidencePack({ generator }: { generator: string }): ReactNode {
  const [since, setSince] = useState(() => day(new Date(Date.now() - 30 * DAY_MS)));
  const [until, setUntil] = useState(() => day(new Date()));
  const may = useMay("operate");
  // Both days are meant whole, and days are counted in UTC as on the server.
  const end = new Date(Date.parse(`${until}T00:00:00Z`) + DAY_MS);
  const sound = since !== "" && until !== "" && since <= until;
  const query = sound ? new URLSearchParams({ generator, since: `${since}T00:00:00Z`, until: end.toISOString() }) : null;
  return (
    <Panel title="Evidence for an auditor" aside={`of ${generator}`}>
      <p className="soft">Releases, gates, approvals, monitors and their budgets, incidents, drills, feedback, model cards and provenance, mapped to NIST AI RMF, NIST AI 600-1 and ISO/IEC 42001. What has no record is called missing.</p>
      {may ? (
        <div className={css.ask}>
          <TextInput type="date" size="xs" label="From" value={since} max={until} onChange={({ currentTarget: { value } }) => setSince(value)} />
          <TextInput type="date" size="xs" label="To, this day included" value={until} min={since} onChange={({ currentTarget: { value } }) => setUntil(value)} />
          {query
            ? <Button size="xs" variant="default" component="a" href={`/api/v1/evidence?${query}`} download>Get the pack</Button>
            : <Button size="xs" variant="default" disabled>Get the pack</Button>}
        </div>
      ) : <p className="muted">Getting it takes an operator's key.</p>}
    </Panel>
  );
}

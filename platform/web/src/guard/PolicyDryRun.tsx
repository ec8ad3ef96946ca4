import { Button, Group, NumberInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";

import { useTryPolicy } from "@/api/actions";
import { useHref } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** What an armed policy would have done: to be looked at before it is armed. */
export function PolicyDryRun({ generator }: { generator: string }): ReactNode {
  const [days, setDays] = useState<number | string>(30);
  const rehearse = useTryPolicy(generator);
  const href = useHref();
  const found = rehearse.data;
  return (
    <Panel title="What would it have done?" aside="the automatic policy, on what is stored">
      <Group align="end">
        <NumberInput label="Days back" w={120} min={1} max={90} allowDecimal={false} clampBehavior="strict" value={days} onChange={(next) => {
          setDays(next);
          rehearse.reset(); // what it said was about other days
        }} />
        <Button variant="default" loading={rehearse.isPending} disabled={typeof days !== "number"}
          onClick={() => rehearse.mutate({ days: Number(days) })}>
          Try it on the past
        </Button>
      </Group>
      {rehearse.error && <Failure error={rehearse.error} />}
      {found && (
        <div style={{ marginBlockStart: 14 }}>
          <p>
            <b>{found.rollbacks === 1 ? "1 automatic rollback" : `${found.rollbacks} automatic rollbacks`}</b> over{" "}
            {found.whole ? "" : "the newest "}{found.incidents === 1 ? "1 incident" : `${found.incidents} incidents`}, at most {found.most_per_hour} an hour.
          </p>
          {found.steps.length > 0 && (
            <DataTable caption="What it would have done" rows={found.steps.map((step, place) => ({ ...step, place }))} rowKey={({ place }) => place} columns={[
              { name: "When", cell: ({ at }) => <When at={at} clock /> },
              { name: "Incident", cell: ({ incident_id, title }) => <Link to={href(`/incidents/${incident_id}`)}>{title}</Link> },
              { name: "It would have", cell: ({ action }) => humanise(action) },
              { name: "Why", grow: true, cell: ({ message }) => message },
            ]} />
          )}
        </div>
      )}
    </Panel>
  );
}

import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";

import { useReplay } from "@/api/actions";
import { channelsQuery, notificationsQuery } from "@/api/queries";
import type { Notification } from "@/api/types";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { milliseconds } from "@/ui/words";

type Shown = "all" | "failed";
const SHOWN: { value: Shown; label: string }[] = [
  { value: "all", label: "All, the newest" },
  { value: "failed", label: "Not delivered" },
];

/** The outbox and every attempt to deliver from it. */
export function Notifications(): ReactNode {
  const [shown, setShown] = useState<Shown>("all");
  const query = useQuery(notificationsQuery(shown === "failed" ? shown : undefined));
  const channels = useQuery(channelsQuery).data ?? [];
  const replay = useReplay();
  const may = useMay("operate");
  const href = useHref();
  return (
    <Panel flush title="Deliveries" aside="newest first">
      <div style={{ padding: "0 16px 8px" }}>
        <Select label="Shown" allowDeselect={false} w={220} value={shown} onChange={(next) => next && setShown(next as Shown)} data={SHOWN} />
      </div>
      {replay.error && <div style={{ padding: "0 16px 8px" }}><Failure error={replay.error} /></div>}
      <Load query={query} height={160}>
        {(items) =>
          items.length === 0 ? (
            <Empty icon="bell" title={shown === "failed" ? "Nothing is undelivered" : "Nothing has been sent yet"} />
          ) : (
            <DataTable caption="Notifications" rows={items} rowKey={({ id }) => id} columns={[
              { name: "When", cell: ({ created_at }) => <When at={created_at} clock /> },
              { name: "Event", cell: ({ event, incident_id }) => incident_id ? <Link to={href(`/incidents/${incident_id}`)}>{event}</Link> : event },
              { name: "Channel", cell: ({ channel_id }) => channels.find(({ id }) => id === channel_id)?.name ?? "removed" },
              { name: "State", cell: ({ state }) => <State of={state} /> },
              { name: "Last attempt", grow: true, cell: (notification) => <Attempt notification={notification} /> },
              { name: "Again", cell: ({ id, event, state }) => may && state === "failed" ? (
                <Button size="compact-sm" variant="default" loading={replay.isPending && replay.variables === id} onClick={() => replay.mutate(id)}>
                  Send again<span className="visually-hidden"> {event}</span>
                </Button>
              ) : <span className="muted">–</span> },
            ]} />
          )
        }
      </Load>
    </Panel>
  );
}

function Attempt({ notification: { deliveries, attempts, next_attempt_at, state } }: { notification: Notification }): ReactNode {
  const last = deliveries.at(-1);
  if (!last) return <span className="muted">not tried yet</span>;
  return (
    <>
      {last.status ?? "no answer"} after {milliseconds(last.duration_ms)}{last.error && `: ${last.error}`}
      <span className="muted"> · attempt {attempts}{state === "pending" && next_attempt_at && <>, next <When at={next_attempt_at} clock /></>}</span>
    </>
  );
}

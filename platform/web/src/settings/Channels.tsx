import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { useReplayChannel, useRotateChannel, useSwitchChannel, useTestChannel } from "@/api/actions";
import { channelsQuery } from "@/api/queries";
import type { Channel } from "@/api/types";
import { useMay } from "@/session/role";
import { AddChannel } from "@/settings/AddChannel";
import { EditChannel } from "@/settings/EditChannel";
import { Secret } from "@/settings/Secret";
import { DataTable } from "@/ui/DataTable";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { useNow, When } from "@/ui/When";

/** Who is told of incidents: signed webhooks, PagerDuty, Slack, Alertmanager, and a dead man's switch. */
export function Channels(): ReactNode {
  const query = useQuery(channelsQuery);
  const [editing, setEditing] = useState<Channel | null>(null);
  const [rotating, setRotating] = useState<Channel | null>(null);
  const test = useTestChannel();
  const toggle = useSwitchChannel();
  const replay = useReplayChannel();
  const may = useMay("operate");
  const admin = useMay("administer");
  return (
    <Panel flush title="Channels" aside="who is told">
      {[test.error, toggle.error, replay.error].map((error, i) => error && <div key={i} style={{ padding: "0 16px 8px" }}><Failure error={error} /></div>)}
      <Load query={query} height={120}>
        {(channels) =>
          channels.length === 0 ? (
            <Empty icon="bell" title="Nobody is told">Add a channel, and incidents reach you where you are.</Empty>
          ) : (
            <DataTable caption="Channels" rows={channels} rowKey={({ id }) => id} columns={[
              { name: "Name", cell: ({ name, kind }) => <><b>{name}</b><div className="muted">{kind}</div></> },
              { name: "Address", grow: true, cell: (channel) => <Address channel={channel} /> },
              { name: "State", cell: ({ enabled }) => enabled ? <State of="ready">On</State> : <State of="stopped">Off</State> },
              { name: "Do", cell: (channel) => !may && !admin ? <span className="muted">–</span> : (
                <Group gap={6} wrap="wrap">
                  {may && channel.enabled && <Act on={channel} busy={test.isPending && test.variables === channel.id} onClick={() => test.mutate(channel.id)}>Send a test</Act>}
                  {may && channel.enabled && channel.kind !== "heartbeat" && (
                    <Act on={channel} busy={replay.isPending && replay.variables === channel.id} onClick={() => replay.mutate(channel.id)}>Send failed again</Act>
                  )}
                  {admin && <Act on={channel} onClick={() => setEditing(channel)}>Edit</Act>}
                  {admin && channel.kind === "webhook" && <Act on={channel} onClick={() => setRotating(channel)}>Rotate secret</Act>}
                  {admin && (
                    <Act on={channel} busy={toggle.isPending && toggle.variables.id === channel.id} onClick={() => toggle.mutate({ id: channel.id, on: !channel.enabled })}>
                      {channel.enabled ? "Switch off" : "Switch on"}
                    </Act>
                  )}
                </Group>
              ) },
            ]} />
          )
        }
      </Load>
      {admin && <AddChannel />}
      {editing && <EditChannel channel={editing} onClose={() => setEditing(null)} />}
      {rotating && <RotateDialog channel={rotating} onClose={() => setRotating(null)} />}
    </Panel>
  );
}

function Act({ on, busy = false, onClick, children }: { on: Channel; busy?: boolean; onClick: () => void; children: string }): ReactNode {
  return (
    <Button size="compact-sm" variant="default" loading={busy} onClick={onClick}>
      {children}<span className="visually-hidden"> of {on.name}</span>
    </Button>
  );
}

function Address({ channel }: { channel: Channel }): ReactNode {
  const { url, disabled_reason, previous_secret_until, last_beat_at, last_beat_error } = channel;
  const now = useNow();
  const rotated = previous_secret_until !== null && new Date(previous_secret_until) > now;
  return (
    <>
      <code>{url}</code>
      {disabled_reason && <div className="muted">{disabled_reason}</div>}
      {rotated && <div className="muted">The previous secret counts until <When at={previous_secret_until} clock /></div>}
      {last_beat_at && <div className="muted">Last heard <When at={last_beat_at} clock /></div>}
      {last_beat_error && <div><State of="error">{last_beat_error}</State></div>}
    </>
  );
}

function RotateDialog({ channel, onClose }: { channel: Channel; onClose: () => void }): ReactNode {
  const rotate = useRotateChannel();
  if (rotate.data?.secret) {
    return <Secret title={`New signing secret of ${channel.name}`} onClose={onClose}>{rotate.data.secret}</Secret>;
  }
  return (
    <Dialog title={`Rotate the secret of ${channel.name}`} onClose={onClose} onSubmit={() => rotate.mutate(channel.id)} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" loading={rotate.isPending}>Make a new secret</Button>
      </>
    }>
      <p className="soft">For 24 hours each message is signed with both secrets: give the receiver the new one in that time.</p>
      {rotate.error && <Failure error={rotate.error} />}
    </Dialog>
  );
}

import { Button, Group, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";

import { useAddChannel, useSwitchChannel, useTestChannel } from "@/api/actions";
import { channelsQuery } from "@/api/queries";
import { useMay } from "@/session/role";
import { Secret } from "@/settings/Secret";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";

/** Webhooks that are told of incidents, signed after the Standard Webhooks specification. */
export function Channels(): ReactNode {
  const query = useQuery(channelsQuery);
  const test = useTestChannel();
  const toggle = useSwitchChannel();
  const may = useMay("operate");
  const admin = useMay("administer");
  return (
    <Panel flush title="Channels" aside="signed webhooks">
      {[test.error, toggle.error].map((error, i) => error && <div key={i} style={{ padding: "0 16px 8px" }}><Failure error={error} /></div>)}
      <Load query={query} height={120}>
        {(channels) =>
          channels.length === 0 ? (
            <Empty icon="bell" title="Nobody is told">Add a webhook, and incidents reach you where you are.</Empty>
          ) : (
            <DataTable caption="Channels" rows={channels} rowKey={({ id }) => id} columns={[
              { name: "Name", cell: ({ name }) => <b>{name}</b> },
              { name: "Address", grow: true, cell: ({ url, disabled_reason }) => <><code>{url}</code>{disabled_reason && <div className="muted">{disabled_reason}</div>}</> },
              { name: "State", cell: ({ enabled }) => enabled ? <State of="ready">On</State> : <State of="stopped">Off</State> },
              { name: "Test", cell: ({ id, name, enabled }) => may && enabled ? (
                <Button size="compact-sm" variant="default" loading={test.isPending && test.variables === id} onClick={() => test.mutate(id)}>
                  Send a test<span className="visually-hidden"> to {name}</span>
                </Button>
              ) : <span className="muted">–</span> },
              { name: "Switch", cell: ({ id, name, enabled }) => admin ? (
                <Button size="compact-sm" variant="default" loading={toggle.isPending && toggle.variables.id === id} onClick={() => toggle.mutate({ id, on: !enabled })}>
                  {enabled ? "Switch off" : "Switch on"}<span className="visually-hidden"> {name}</span>
                </Button>
              ) : <span className="muted">–</span> },
            ]} />
          )
        }
      </Load>
      {admin && <AddChannel />}
    </Panel>
  );
}

function AddChannel(): ReactNode {
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const add = useAddChannel();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate({ name, url }, { onSuccess: () => { setName(""); setUrl(""); } });
  };
  return (
    <form onSubmit={submit} style={{ padding: 16, borderBlockStart: "1px solid var(--line)" }}>
      <Group align="flex-end" gap="xs">
        <TextInput label="Name" required value={name} maxLength={100} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label="Address" required type="url" placeholder="https://" style={{ flex: 1, minWidth: 220 }} value={url} onChange={(event) => setUrl(event.currentTarget.value)} />
        <Button type="submit" variant="default" loading={add.isPending}>Add channel</Button>
      </Group>
      {add.error && <div style={{ marginBlockStart: 10 }}><Failure error={add.error} /></div>}
      {add.data && <Secret title={`Signing secret of ${add.data.name}`} onClose={add.reset}>{add.data.secret}</Secret>}
    </form>
  );
}

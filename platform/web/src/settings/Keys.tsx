import { Button, Group, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";

import { useAddKey, useRevokeKey } from "@/api/actions";
import { keysQuery } from "@/api/queries";
import type { ApiKey, Role } from "@/api/types";
import { Secret } from "@/settings/Secret";
import { DataTable } from "@/ui/DataTable";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { When } from "@/ui/When";

const ROLES: { value: Role; label: string }[] = [
  { value: "viewer", label: "Viewer: looks" },
  { value: "client", label: "Client: makes images, reads nothing" },
  { value: "operator", label: "Operator: promotes, rolls back, acknowledges" },
  { value: "admin", label: "Admin: everything" },
];

export function Keys(): ReactNode {
  const query = useQuery(keysQuery);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  return (
    <Panel flush title="API keys" aside="for programs and people">
      <Load query={query} height={160}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty icon="key" title="There is no key yet" />
          ) : (
            <DataTable caption="API keys" rows={keys} rowKey={({ id }) => id} columns={[
              { name: "Name", grow: true, cell: ({ name }) => <b>{name}</b> },
              { name: "Role", cell: ({ role }) => role },
              { name: "State", cell: ({ revoked_at }) => revoked_at ? <State of="stopped">Revoked</State> : <State of="ready">Valid</State> },
              { name: "Made", cell: ({ created_at }) => <When at={created_at} clock /> },
              { name: "Revoke", cell: (key) => key.revoked_at ? <When at={key.revoked_at} clock /> : (
                <Button size="compact-sm" variant="default" onClick={() => setRevoking(key)}>Revoke<span className="visually-hidden"> {key.name}</span></Button>
              ) },
            ]} />
          )
        }
      </Load>
      <AddKey />
      {revoking && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </Panel>
  );
}

function AddKey(): ReactNode {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("client");
  const add = useAddKey();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate({ name, role }, { onSuccess: () => setName("") });
  };
  return (
    <form onSubmit={submit} style={{ padding: 16, borderBlockStart: "1px solid var(--line)" }}>
      <Group align="flex-end" gap="xs">
        <TextInput label="Name" required maxLength={100} style={{ flex: 1, minWidth: 180 }} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Select label="Role" data={ROLES} allowDeselect={false} value={role} w={290} onChange={(next) => next && setRole(next as Role)} />
        <Button type="submit" variant="default" loading={add.isPending}>Make a key</Button>
      </Group>
      {add.error && <div style={{ marginBlockStart: 10 }}><Failure error={add.error} /></div>}
      {add.data && <Secret title={`The key ${add.data.name}`} onClose={add.reset}>{add.data.secret}</Secret>}
    </form>
  );
}

/** A revoked key never works again, so its name is typed. */
function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }): ReactNode {
  const [typed, setTyped] = useState("");
  const revoke = useRevokeKey();
  const submit = (): void => {
    if (typed === apiKey.name) revoke.mutate(apiKey.id, { onSuccess: onClose });
  };
  return (
    <Dialog title={`Revoke ${apiKey.name}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" color="var(--bad-solid)" disabled={typed !== apiKey.name} loading={revoke.isPending}>Revoke {apiKey.name}</Button>
      </>
    }>
      <p className="soft">Whatever uses this key is refused from now on, and sessions opened with it end.</p>
      <TextInput label={`Type ${apiKey.name} to revoke it`} data-autofocus autoComplete="off" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      {revoke.error && <Failure error={revoke.error} />}
    </Dialog>
  );
}

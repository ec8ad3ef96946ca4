import { Button, Group, PasswordInput, Select, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";

import { useAddChannel } from "@/api/actions";
import { type Kind, KINDS } from "@/settings/kinds";
import { Secret } from "@/settings/Secret";
import { Failure } from "@/ui/Notice";

const CHOICES = Object.entries(KINDS).map(([value, { label }]) => ({ value, label }));

/** Secrets are typed here and never shown again; the one that we make is shown once. */
export function AddChannel(): ReactNode {
  const [kind, setKind] = useState<Kind>("webhook");
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [secret, setSecret] = useState("");
  const add = useAddChannel();
  const form = KINDS[kind];
  const choose = (next: string | null): void => {
    if (next) setKind(next as Kind);
    setSecret("");
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate({ name, kind, url, secret }, { onSuccess: () => { setName(""); setUrl(""); setSecret(""); } });
  };
  return (
    <form onSubmit={submit} style={{ padding: 16, borderBlockStart: "1px solid var(--line)" }}>
      <Group align="flex-end" gap="xs">
        <Select label="Kind" data={CHOICES} allowDeselect={false} value={kind} w={190} onChange={choose} />
        <TextInput label="Name" required value={name} maxLength={100} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={form.address} required={!form.optional} type="url" placeholder={form.placeholder} style={{ flex: 1, minWidth: 220 }} value={url} onChange={(event) => setUrl(event.currentTarget.value)} />
        {kind === "pagerduty" && (
          <PasswordInput label="Integration key" required autoComplete="off" maxLength={32} w={220} value={secret} onChange={(event) => setSecret(event.currentTarget.value)} />
        )}
        <Button type="submit" variant="default" loading={add.isPending}>Add channel</Button>
      </Group>
      {add.error && <div style={{ marginBlockStart: 10 }}><Failure error={add.error} /></div>}
      {add.data?.secret && <Secret title={`Signing secret of ${add.data.name}`} onClose={add.reset}>{add.data.secret}</Secret>}
    </form>
  );
}

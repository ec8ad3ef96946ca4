import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { useEditChannel } from "@/api/actions";
import type { Channel } from "@/api/types";
import { HIDDEN, KINDS } from "@/settings/kinds";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";

/** The channel as it was when the dialog opened: whoever edits it meanwhile is not overwritten. */
export function EditChannel({ channel, onClose }: { channel: Channel; onClose: () => void }): ReactNode {
  const { id, kind, revision } = channel;
  const hidden = HIDDEN.has(kind);
  const shown = hidden ? "" : channel.url;
  const [name, setName] = useState(channel.name);
  const [url, setUrl] = useState(shown);
  const [secret, setSecret] = useState("");
  const edit = useEditChannel();
  const submit = (): void => {
    const wanted = { name, ...(url !== shown && { url }), ...(secret && { secret }) };
    edit.mutate({ id, expected_revision: revision, ...wanted }, { onSuccess: onClose });
  };
  return (
    <Dialog title={`Edit ${channel.name}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" loading={edit.isPending}>Save</Button>
      </>
    }>
      <Stack gap="sm">
        <TextInput label="Name" required value={name} maxLength={100} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={KINDS[kind].address} type="url" maxLength={2000} required={!hidden && !KINDS[kind].optional}
          placeholder={hidden ? channel.url : KINDS[kind].placeholder} description={hidden && "Left empty, it stays: it is a secret, and not shown."}
          value={url} onChange={(event) => setUrl(event.currentTarget.value)} />
        {kind === "pagerduty" && (
          <PasswordInput label="Integration key" autoComplete="off" maxLength={32} description="Left empty, it stays." value={secret} onChange={(event) => setSecret(event.currentTarget.value)} />
        )}
        <p className="soft">What waits to be told goes to a new address at once.{kind === "webhook" && " The signing secret stays; rotate it apart."}</p>
        {edit.error && <Failure error={edit.error} />}
      </Stack>
    </Dialog>
  );
}

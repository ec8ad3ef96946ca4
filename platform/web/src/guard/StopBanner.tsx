import { Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { useSwitchGuard } from "@/api/actions";
import { guardQuery } from "@/api/queries";
import { useMay } from "@/session/role";
import { Dialog } from "@/ui/Dialog";
import { Failure, Notice } from "@/ui/Notice";
import { When } from "@/ui/When";

/** On every page for as long as nothing is done automatically: who relies on the guard has to see it. */
export function StopBanner(): ReactNode {
  const { data: guard } = useQuery(guardQuery);
  const [lifting, dialog] = useDisclosure();
  const may = useMay("operate");
  if (!guard?.stopped) return null;
  return (
    <Notice tone="warn" icon="alert" title="What is automatic is stopped, for every generator">
      <p>
        By {guard.by}, {guard.since && <When at={guard.since} clock />}
        {guard.reason ? `: ${guard.reason}` : ""}. Rollbacks, further steps of canaries, further scopes and edits of the registry wait for a
        person. Whoever releases does as ever, and a canary that is worse is called off.
      </p>
      {may && <Button mt={8} size="xs" variant="default" onClick={dialog.open}>Let the guard act again</Button>}
      {lifting && <LiftDialog onClose={dialog.close} />}
    </Notice>
  );
}

/** Stopping is one tap; letting go again is not, for it stands on every page, and what was held is done at once. */
function LiftDialog({ onClose }: { onClose: () => void }): ReactNode {
  const [reason, setReason] = useState("");
  const turn = useSwitchGuard();
  return (
    <Dialog title="Let the guard act again?" onClose={onClose} onSubmit={() => turn.mutate({ stop: false, reason }, { onSuccess: onClose })} actions={
      <>
        <Button variant="default" onClick={onClose}>Leave it stopped</Button>
        <Button type="submit" loading={turn.isPending}>Let it act</Button>
      </>
    }>
      <p className="soft">Of every generator: policies that are armed roll back again, and what was held goes on within seconds.</p>
      <TextInput label="Reason" description="It goes on the audit log." data-autofocus value={reason} maxLength={2000} onChange={(event) => setReason(event.currentTarget.value)} />
      {turn.error && <Failure error={turn.error} />}
    </Dialog>
  );
}

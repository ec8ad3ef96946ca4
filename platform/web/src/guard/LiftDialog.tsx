import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { useSwitchGuard } from "@/api/actions";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";

/** Stopping is one tap; letting go again is not, for it stands on every page, and what was held is done at once. */
export default function LiftDialog({ onClose }: { onClose: () => void }): ReactNode {
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

import { Button, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useEffect, useRef, useState } from "react";

import { useAcknowledge, useReopen, useResolve } from "@/api/actions";
import type { IncidentDetail } from "@/api/types";
import { blamedSlice, isPlace } from "@/incident/evidence";
import { useReleaseDialogs } from "@/release/ReleaseDialogs";
import { useGenerator, useParam } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Dialog } from "@/ui/Dialog";
import { Icon } from "@/ui/Icon";
import { Failure } from "@/ui/Notice";

/** Take charge, go back, close: at most one tap and one confirm each. */
export function IncidentActions({ incident }: { incident: IncidentDetail }): ReactNode {
  const [resolving, resolveDialog] = useDisclosure();
  const acknowledge = useAcknowledge(incident.id);
  const may = useMay("operate");
  const rollback = useIncidentRollback(incident);
  const slice = blamedSlice(incident.evidence);
  // Where one place is at fault, going back would not help: the way back stays open, and stops calling.
  const calling = slice === null || !isPlace(slice);
  if (incident.state === "resolved") return may ? <Reopen id={incident.id} /> : null;
  if (!may) return <span className="muted">Acting on it takes an operator's key.</span>;
  return (
    <>
      {acknowledge.error && <Failure error={acknowledge.error} />}
      {incident.state === "triggered" && (
        <Button variant="default" leftSection={<Icon name="person" />} loading={acknowledge.isPending} onClick={() => acknowledge.mutate()}>Acknowledge</Button>
      )}
      <Button variant="default" leftSection={<Icon name="check" />} onClick={resolveDialog.open}>Resolve</Button>
      {!rollback && <NoLonger incident={incident} />}
      {rollback && (
        <Button {...(calling ? { color: "var(--bad-solid)" } : { variant: "default" })} leftSection={<Icon name="rollback" />} onClick={rollback}>Roll back to v{incident.suggested_target}</Button>
      )}
      {resolving && <ResolveDialog id={incident.id} onClose={resolveDialog.close} />}
    </>
  );
}

/** It was not over after all. */
function Reopen({ id }: { id: string }): ReactNode {
  const reopen = useReopen(id);
  return (
    <>
      {reopen.error && <Failure error={reopen.error} />}
      <Button variant="default" leftSection={<Icon name="incidents" />} loading={reopen.isPending} onClick={() => reopen.mutate("")}>Open again</Button>
    </>
  );
}

/** Why an open incident offers no rollback. */
function NoLonger({ incident: { generator, suspect_version, suggested_target } }: { incident: IncidentDetail }): ReactNode {
  const { current } = useGenerator();
  if (current?.name !== generator || suspect_version === null) return null;
  if (current.serving?.version !== suspect_version)
    return <span className="muted">v{suspect_version} no longer serves{current.serving && `: v${current.serving.version} does`}.</span>;
  return suggested_target === null ? <span className="muted">No earlier version is known to be good.</span> : null;
}

/** The rollback this incident suggests, while its suspect still serves. A link with `?rollback=1` opens it at once. */
function useIncidentRollback(incident: IncidentDetail): (() => void) | undefined {
  const { rollback } = useReleaseDialogs();
  const { current } = useGenerator();
  const [asked, setAsked] = useParam("rollback");
  const may = useMay("operate");
  const { suggested_target: target, suspect_version: serving, generator, id, title } = incident;
  const open =
    target !== null && serving !== null && current?.name === generator && current.serving?.version === serving && incident.state !== "resolved"
      ? () => rollback({ generator, serving, target, incidentId: id, reason: title })
      : undefined;
  const opened = useRef(false);
  useEffect(() => {
    if (!asked || !open || !may || opened.current) return;
    opened.current = true;
    setAsked(null); // a reload, or a link passed on, opens the incident and not the dialog again
    open();
  });
  return open;
}

function ResolveDialog({ id, onClose }: { id: string; onClose: () => void }): ReactNode {
  const [note, setNote] = useState("");
  const resolve = useResolve(id);
  return (
    <Dialog title="Resolve by hand" onClose={onClose} onSubmit={() => resolve.mutate(note, { onSuccess: onClose })} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" loading={resolve.isPending}>Resolve</Button>
      </>
    }>
      <p className="soft">The monitors start from fresh windows afterwards. If the fault is still there within the hour, this incident opens again; later, a new one.</p>
      <Textarea label="What was found" data-autofocus autosize minRows={2} maxLength={5000} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      {resolve.error && <Failure error={resolve.error} />}
    </Dialog>
  );
}

import { Button, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";

import { useRollback } from "@/api/actions";
import { Problem } from "@/api/problem";
import { generatorsQuery, versionsQuery } from "@/api/queries";
import { Consequence, consequences, Facts } from "@/release/Consequence";
import type { RollbackRequest } from "@/release/ReleaseDialogs";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Dialog } from "@/ui/Dialog";
import { Icon } from "@/ui/Icon";
import { Failure, Notice } from "@/ui/Notice";

/** One dialog, one confirm. Typing is asked for only where the target was never accepted as good. */
export default function RollbackDialog({ request, onClose }: { request: RollbackRequest; onClose: () => void }): ReactNode {
  const { generator, serving, target, incidentId } = request;
  const [reason, setReason] = useState(request.reason ?? "");
  const [typed, setTyped] = useState("");
  const status = useQuery(generatorsQuery).data?.find(({ name }) => name === generator);
  const known = useQuery(versionsQuery(generator));
  const versions = known.data ?? [];
  const to = versions.find(({ number }) => number === target);
  const from = versions.find(({ number }) => number === serving);
  const may = useMay("operate");
  const rollback = useRollback();
  const navigate = useNavigate();
  const href = useHref();

  const unproven = to !== undefined && !to.accepted;
  const moved = status?.serving?.version !== undefined && status.serving.version !== serving;
  const stale = moved || (rollback.error instanceof Problem && rollback.error.code === "stale_expected_serving");
  const ready = may && to !== undefined && !stale && (!unproven || typed.trim() === `v${target}`);

  const submit = (): void => {
    if (!ready) return;
    rollback.mutate(
      {
        generator,
        version: target,
        expected_serving: serving,
        reason,
        ...(incidentId ? { incident_id: incidentId } : {}),
      },
      {
        onSuccess: (release) => {
          onClose();
          void navigate(href(`/releases/${release.id}`));
        },
      },
    );
  };

  return (
    <Dialog title={`Roll back ${generator} to v${target}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" color="var(--bad-solid)" data-autofocus={!unproven || undefined} disabled={!ready} loading={rollback.isPending}
          leftSection={<Icon name="rollback" />}>
          Roll back to v{target}
        </Button>
      </>
    }>
      <Consequence from={serving} to={target} fromNote={from?.description} toNote={to?.description} />
      {status && <Facts of={consequences(status, to)} />}
      <Textarea label="Reason" description="It goes on the ledger." value={reason} autosize minRows={1} maxLength={2000}
        onChange={(event) => setReason(event.currentTarget.value)} />
      {unproven && (
        <TextInput label={`Type v${target} to go to a version that was never accepted`} value={typed} autoComplete="off"
          onChange={(event) => setTyped(event.currentTarget.value)} />
      )}
      {known.error && <Failure error={known.error} retry={() => void known.refetch()} />}
      {rollback.error && !moved && <Failure error={rollback.error} />}
      {stale && (
        <Notice tone="warn" title="What serves has changed">
          {moved ? `v${status?.serving?.version} serves now. ` : ""}Close this and look again before you decide.
        </Notice>
      )}
      {!may && <Notice tone="unknown" icon="lock">Your key may look, not act. Rolling back takes an operator's key.</Notice>}
    </Dialog>
  );
}

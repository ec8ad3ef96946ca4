import { Button, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";

import { usePromote } from "@/api/actions";
import { Problem } from "@/api/problem";
import { gateCheckQuery, generatorsQuery, versionsQuery } from "@/api/queries";
import { Consequence, consequences, Facts } from "@/release/Consequence";
import { GateCheck } from "@/release/GateCheck";
import { canaryOf, stepsOf } from "@/release/plan";
import type { PromoteRequest } from "@/release/ReleaseDialogs";
import { useHref } from "@/scope/scope";
import { Dialog } from "@/ui/Dialog";
import { Icon } from "@/ui/Icon";
import { Failure, Notice } from "@/ui/Notice";

/** A promote moves all traffic at once, so the version is typed; and it has a reason, for whoever reads the ledger. */
export default function PromoteDialog({ request, onClose }: { request: PromoteRequest; onClose: () => void }): ReactNode {
  const { generator, serving, version } = request;
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [override, setOverride] = useState("");
  const [told, setTold] = useState("");
  const steps = stepsOf(told);
  const status = useQuery(generatorsQuery).data?.find(({ name }) => name === generator);
  const versions = useQuery(versionsQuery(generator)).data ?? [];
  const to = versions.find(({ number }) => number === version);
  const from = versions.find(({ number }) => number === serving);
  const gates = useQuery(gateCheckQuery(generator, version));
  const promote = usePromote();
  const navigate = useNavigate();
  const href = useHref();
  const stale = promote.error instanceof Problem && promote.error.status === 409;
  const refused = gates.data?.decision === "refuse";
  const ready = typed.trim() === `v${version}` && reason.trim() !== "" && !stale && steps !== null
    && gates.data !== undefined && (!refused || override.trim() !== "");

  const submit = (): void => {
    if (!ready) return;
    promote.mutate(
      { generator, version, expected_serving: serving, reason, ...(refused ? { override } : {}), ...(steps?.length ? { canary: canaryOf(steps) } : {}) },
      {
        onSuccess: (release) => {
          onClose();
          void navigate(href(`/releases/${release.id}`));
        },
      },
    );
  };

  return (
    <Dialog title={`Promote ${generator} to v${version}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" disabled={!ready} loading={promote.isPending} leftSection={<Icon name="promote" />}>Promote to v{version}</Button>
      </>
    }>
      <Consequence from={serving} to={version} fromNote={from?.description} toNote={to?.description} />
      {status && <Facts of={consequences(status, to)} />}
      {gates.data && <GateCheck answer={gates.data} override={override} onOverride={setOverride} />}
      {gates.error && <Failure error={gates.error} />}
      <Textarea label="Reason" description="It goes on the ledger." required value={reason} autosize minRows={1} maxLength={2000}
        data-autofocus onChange={(event) => setReason(event.currentTarget.value)} />
      <TextInput label="Canary" placeholder="5:300 25:600:pause 50:600" value={told} autoComplete="off" error={steps === null && "Steps such as 5:300, 0+20:300 or 25:600:pause"}
        description="Percent of the requests, and seconds to bake, step by step; +20 adds shadows. Empty: all at once."
        onChange={(event) => setTold(event.currentTarget.value)} />
      <TextInput label={`Type v${version} to send all requests to it`} required value={typed} autoComplete="off"
        onChange={(event) => setTyped(event.currentTarget.value)} />
      {promote.error && <Failure error={promote.error} />}
      {stale && <Notice tone="warn">Close this and look again before you decide.</Notice>}
    </Dialog>
  );
}

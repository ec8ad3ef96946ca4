import { Button, Select, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";

import { useProbe } from "@/api/actions";
import { probeSetsQuery, versionsQuery } from "@/api/queries";
import { useHref } from "@/scope/scope";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";

interface Props {
  generator: string;
  serving: number | null;
  onClose: () => void;
}

/** A version's probes now: against its own stored outputs, or, before a promote, against those of what serves. */
export function ProbeNow({ generator, serving, onClose }: Props): ReactNode {
  const versions = useQuery(versionsQuery(generator)).data ?? [];
  const sets = useQuery(probeSetsQuery(generator)).data ?? [];
  const [version, setVersion] = useState(serving === null ? null : String(serving));
  const [against, setAgainst] = useState<string | null>(null);
  const [set, setSet] = useState<string | null>(null);
  const [keep, setKeep] = useState(false);
  const probe = useProbe();
  const navigate = useNavigate();
  const href = useHref();
  const named = versions.map(({ number, description }) => ({ value: String(number), label: `v${number} ${description}` }));
  const chosen = set ?? sets[0]?.name ?? null;

  const submit = (): void => {
    if (!version || !chosen) return;
    probe.mutate(
      { generator, version: Number(version), against: against && !keep ? Number(against) : null, probe_set: chosen, store_outputs: keep },
      {
        onSuccess: ({ id }) => {
          onClose();
          void navigate(href(`/probes/${id}`));
        },
      },
    );
  };
  return (
    <Dialog title={`Probe ${generator}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" disabled={!version || !chosen} loading={probe.isPending}>Make the probes</Button>
      </>
    }>
      <Select label="Version" data={named} allowDeselect={false} value={version} onChange={setVersion} data-autofocus />
      <Select label="Held against" description="Before a promote: the version that serves." placeholder="its own stored outputs" clearable disabled={keep}
        data={named.filter(({ value }) => value !== version)} value={against} onChange={setAgainst} />
      <Select label="Set" data={sets.map(({ name, plain }) => ({ value: name, label: `${name}, ${plain} pairs` }))} allowDeselect={false} value={chosen} onChange={setSet} />
      <Switch mt={12} label="Make its images the new reference" description="Later probes of the version are held against them, in place of what is stored now."
        checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
      {probe.error && <Failure error={probe.error} />}
    </Dialog>
  );
}

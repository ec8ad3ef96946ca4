import { Button, Textarea } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";

import { type CanaryVerb, useCanaryVerb } from "@/api/actions";
import type { Release } from "@/api/types";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Dialog } from "@/ui/Dialog";
import { Facts } from "@/ui/Facts";
import { Icon, type IconName } from "@/ui/Icon";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { duration, percent } from "@/ui/words";

type CanaryState = NonNullable<Release["canary"]>;

const LOSSES = [["alignment", "Alignment with the prompt"], ["spoilt", "Unusable images"]] as const;

interface Loss {
  n: number;
  loss: number | null;
  p_worse: number;
  p_no_worse: number;
}

const share = (weight: number): string => percent(weight / 100);
const chance = (p: number): string => (p < 0.0001 ? "< 0.0001" : p.toPrecision(2));

const runs = ({ state }: Release): boolean => state === "canary" || state === "paused";

/** How much of the traffic a version has that is tried, what is known of it, and what can be said to it. */
export function Canary({ release, of }: { release: Release; of: CanaryState }): ReactNode {
  const { plan, step, step_at, images, verdict, judged_at, held_by } = of;
  const now = plan.steps[step];
  const losses = verdict ? LOSSES.map(([key, name]) => ({ name, ...(verdict.evidence[key] as Loss) })) : [];
  return (
    <Panel title="Canary" aside={runs(release) ? "as it happens" : null}>
      <Facts of={[
        ["Traffic", <strong key="weight">{runs(release) && now ? share(now.weight) : "none as a canary"}</strong>],
        ["Shadows", runs(release) && now?.shadow ? `${share(now.shadow)} of the other requests` : null],
        ["At this step", runs(release) && step_at ? <span key="since">since <When at={step_at} clock />, {images} of its images judged</span> : null],
        ["Held", held_by ? `takes no step by itself: ${held_by} has turned the stop switch on` : null],
        ["Verdict", verdict ? <State key="verdict" of={verdict.health} /> : <span className="muted">not judged yet</span>],
        ["Which means", verdict?.summary ?? null],
        ["Looked at", judged_at ? <When key="judged" at={judged_at} clock /> : null],
      ]} />
      <DataTable caption="Steps" rows={plan.steps.map((one, place) => ({ ...one, place }))} rowKey={({ place }) => String(place)} columns={[
        { name: "Step", cell: ({ place }) => `${place + 1}${runs(release) && place === step ? ", now" : ""}` },
        { name: "Traffic", cell: ({ weight }) => share(weight) },
        { name: "Shadows", cell: ({ shadow }) => share(shadow) },
        { name: "Bakes", cell: ({ bake_seconds }) => (bake_seconds > 0 ? duration(bake_seconds) : "not at all") },
        { name: "Then", grow: true, cell: ({ pause }) => (pause ? "a person looks" : "the next") },
      ]} />
      {losses.length > 0 && (
        <DataTable caption="Losses" rows={losses} rowKey={({ name }) => name} columns={[
          { name: "Loss of", grow: true, cell: ({ name }) => name },
          { name: "Mean", cell: ({ loss }) => (loss === null ? "unknown" : loss.toFixed(3)) },
          { name: "Comparisons", cell: ({ n }) => n },
          { name: "p if no worse", cell: ({ p_worse }) => chance(p_worse) },
          { name: "p if as bad as the margin", cell: ({ p_no_worse }) => chance(p_no_worse) },
        ]} />
      )}
      <Verbs release={release} />
    </Panel>
  );
}

const VERBS: Record<CanaryVerb, [string, IconName, string]> = {
  promote: ["Next step", "right", "takes the next step now, whatever has been shown."],
  "promote-fully": ["Promote fully", "promote", "sends it all requests now, whatever has been shown."],
  pause: ["Pause", "clock", "stays at this step until somebody says otherwise. It is judged all the same."],
  resume: ["Resume", "check", "goes on once this step has baked and is shown to be no worse."],
  abort: ["Abort", "cross", "sends all requests to what serves, at once."],
  retry: ["Try again", "promote", "asks for the same promote again, from its first step."],
};

function offered(release: Release): CanaryVerb[] {
  if (release.state === "canary") return ["promote", "promote-fully", "pause", "abort"];
  if (release.state === "paused") return ["resume", "promote", "promote-fully", "abort"];
  if (["preparing", "verifying"].includes(release.state)) return ["abort"];
  return ["aborted", "failed", "superseded"].includes(release.state) ? ["retry"] : [];
}

function Verbs({ release }: { release: Release }): ReactNode {
  const [asked, setAsked] = useState<CanaryVerb | null>(null);
  if (!useMay("operate") || offered(release).length === 0) return null;
  return (
    <div style={{ display: "flex", flexWrap: "wrap", gap: 8, marginTop: 14 }}>
      {offered(release).map((verb) => (
        <Button key={verb} variant="default" leftSection={<Icon name={VERBS[verb][1]} />} onClick={() => setAsked(verb)}>{VERBS[verb][0]}</Button>
      ))}
      {asked && <Ask verb={asked} release={release} onClose={() => setAsked(null)} />}
    </div>
  );
}

/** One confirm, and a reason for the audit log; calling off needs none. */
function Ask({ verb, release, onClose }: { verb: CanaryVerb; release: Release; onClose: () => void }): ReactNode {
  const [reason, setReason] = useState("");
  const say = useCanaryVerb(release.id);
  const navigate = useNavigate();
  const href = useHref();
  const [name, icon, means] = VERBS[verb];
  const ready = verb === "abort" || reason.trim() !== "";
  const submit = (): void => {
    if (!ready) return;
    say.mutate({ verb, reason }, {
      onSuccess: (after) => {
        onClose();
        if (after.id !== release.id) void navigate(href(`/releases/${after.id}`));
      },
    });
  };
  return (
    <Dialog title={`${name}: v${release.to_version} of ${release.generator}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Leave it as it is</Button>
        <Button type="submit" disabled={!ready} loading={say.isPending} leftSection={<Icon name={icon} />}>{name}</Button>
      </>
    }>
      <p>This {means}</p>
      <Textarea label="Reason" required={verb !== "abort"} value={reason} autosize minRows={1} maxLength={2000} data-autofocus
        onChange={(event) => setReason(event.currentTarget.value)} />
      {say.error && <Failure error={say.error} />}
    </Dialog>
  );
}

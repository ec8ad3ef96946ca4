import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { useCancelBaseline } from "@/api/actions";
import { baselineJobsQuery } from "@/api/queries";
import type { BaselineJob } from "@/api/types";
import css from "@/ui/JobList.module.css";
import { useMay } from "@/session/role";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { Lasting, useNow, When } from "@/ui/When";
import { count } from "@/ui/words";

const PHASES: Record<BaselineJob["phase"], string> = {
  loading: "Waiting for an engine to hold the version",
  generating: "Making the images",
  scoring: "Waiting for the last scores",
  fitting: "Fitting",
};
/** How long one that failed is still shown. */
const REMEMBERED_MS = 24 * 3_600_000;

/** Baselines that are being made, and those that could not be: how far, and why not. */
export function Jobs({ generator }: { generator: string }): ReactNode {
  const since = useNow().getTime() - REMEMBERED_MS;
  const { data } = useQuery(baselineJobsQuery(generator));
  const told = data?.filter(({ state, finished_at }) => !finished_at || (state === "failed" && Date.parse(finished_at) > since)) ?? [];
  if (told.length === 0) return null;
  return (
    <Panel flush title="Being made">
      <ul className={css.list}>{told.map((job) => <Job key={job.id} job={job} />)}</ul>
    </Panel>
  );
}

function Job({ job }: { job: BaselineJob }): ReactNode {
  const { id, name, version, state, phase, phase_at, done, total, error, finished_at } = job;
  const cancel = useCancelBaseline();
  const may = useMay("operate");
  return (
    <li className={css.job}>
      <State of={state} />
      <div className={css.words}>
        <p><b>{name}</b> of <VersionTag version={version} link /></p>
        {finished_at ? (
          <p className="soft">{error} <span className="muted"><When at={finished_at} /></span></p>
        ) : (
          <p className="soft">
            {state === "queued" ? "Waiting for its turn" : PHASES[phase]}, for <Lasting from={phase_at} />
            {total > 0 && ` · ${count(done)} of ${count(total)} images`}
          </p>
        )}
        {!finished_at && total > 0 && <progress className={css.progress} value={done} max={total} aria-label={`Images made for ${name}`} />}
        {cancel.error && <Failure error={cancel.error} />}
      </div>
      {!finished_at && may && (
        <Button size="compact-sm" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(id)}>
          Cancel<span className="visually-hidden"> {name}</span>
        </Button>
      )}
    </li>
  );
}

import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { useCancelJob } from "@/api/actions";
import { jobsQuery } from "@/api/queries";
import type { GenerationJob } from "@/api/types";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Empty } from "@/ui/Empty";
import css from "@/ui/JobList.module.css";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { Lasting, When } from "@/ui/When";
import { count } from "@/ui/words";

export default function Jobs(): ReactNode {
  return (
    <>
      <PageHead title="Jobs" lead="Images that somebody asked for without waiting for them. A job is kept for a week, its images as long as any other." />
      <Load query={useQuery(jobsQuery())} height={240}>
        {(jobs) => (
          <Panel flush title="Newest first" aside="of all generators">
            {jobs.length > 0 ? (
              <ul className={css.list}>{jobs.map((each) => <Job key={each.id} job={each} />)}</ul>
            ) : (
              <Empty icon="jobs" title="Nobody has asked for one">
                A request for images with the header “Prefer: respond-async” is answered at once, and made here.
              </Empty>
            )}
          </Panel>
        )}
      </Load>
    </>
  );
}

function Job({ job }: { job: GenerationJob }): ReactNode {
  const { id, generator, state, images, progress, made, error, created_at, created_by, finished_at } = job;
  const cancel = useCancelJob();
  const may = useMay("generate");
  const href = useHref();
  const open = state === "queued" || state === "running";
  return (
    <li className={css.job}>
      <State of={state} />
      <div className={css.words}>
        <p>{count(images)} of {generator}</p>
        {error && <p className="soft">{error}</p>}
        {made && made.length > 0 && (
          <p className="row">{made.map((each, place) => <Link key={each.id} to={href(`/generations/${each.id}`)}>Image {place + 1}</Link>)}</p>
        )}
        {state === "running" && <progress className={css.progress} value={progress} max={1} aria-label="Images made" />}
        <p className="muted">
          Asked for <When at={created_at} /> by {created_by}{finished_at && <>, ended after <Lasting from={created_at} to={finished_at} /></>}
        </p>
        {cancel.error && <Failure error={cancel.error} />}
      </div>
      {open && may && (
        <Button size="compact-sm" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(id)}>
          Cancel<span className="visually-hidden"> the job asked for by {created_by}</span>
        </Button>
      )}
    </li>
  );
}

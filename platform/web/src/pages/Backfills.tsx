import { Button, Select } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { useBackfill, useCancelBackfill } from "@/api/actions";
import { backfillsQuery } from "@/api/queries";
import type { Backfill } from "@/api/types";
import { useGenerator } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import css from "@/ui/JobList.module.css";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { Lasting, When } from "@/ui/When";
import { count, percent } from "@/ui/words";

const DAYS: Record<string, string> = { "1": "the last day", "7": "the last 7 days", "30": "the last 30 days", "90": "the last 90 days" };
const DAY_MS = 24 * 3_600_000;

export default function Backfills(): ReactNode {
  const { name } = useGenerator();
  const [asking, dialog] = useDisclosure();
  const may = useMay("operate");
  return (
    <>
      <PageHead title="Backfills" lead="After a change of embedder, stored images are looked at anew: what two embedders saw is never compared.">
        {name && may && <Button variant="default" onClick={dialog.open}>Score images anew</Button>}
      </PageHead>
      {name && <Body key={name} generator={name} />}
      {name && asking && <ScoreAnew generator={name} onClose={dialog.close} />}
    </>
  );
}

function Body({ generator }: { generator: string }): ReactNode {
  return (
    <Load query={useQuery(backfillsQuery(generator))} height={240}>
      {(backfills) => (
        <Panel flush title="Newest first" aside={`of ${generator}`}>
          {backfills.length > 0 ? (
            <ul className={css.list}>{backfills.map((each) => <Job key={each.id} backfill={each} />)}</ul>
          ) : (
            <Empty icon="backfills" title="No image was ever scored anew" command={`safelight backfill ${generator} --hours 168`}>
              It is needed once the embedder changes: until then every score was given by the same one.
            </Empty>
          )}
        </Panel>
      )}
    </Load>
  );
}

function Job({ backfill }: { backfill: Backfill }): ReactNode {
  const { id, state, data_from, data_to, total, done, missing, progress, embedder_digest, created_at, created_by, finished_at } = backfill;
  const cancel = useCancelBackfill();
  const may = useMay("operate");
  const running = state === "running";
  const begun = embedder_digest !== null;
  return (
    <li className={css.job}>
      <State of={state} />
      <div className={css.words}>
        <p>Images from <When at={data_from} clock /> to <When at={data_to} clock /></p>
        <p className="soft">
          {begun ? `${count(done)} of ${count(total)} scored anew` : "Waiting for a worker to begin"}
          {running && begun && total > 0 && `, ${percent(progress)}`}
          {missing > 0 && ` · ${count(missing)} have no image any more`}
        </p>
        {running && begun && <progress className={css.progress} value={progress} max={1} aria-label="Images scored anew" />}
        <p className="muted">
          Asked for <When at={created_at} /> by {created_by}{finished_at && <>, ended after <Lasting from={created_at} to={finished_at} /></>}
        </p>
        {cancel.error && <Failure error={cancel.error} />}
      </div>
      {running && may && (
        <Button size="compact-sm" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(id)}>
          Cancel<span className="visually-hidden"> the backfill asked for by {created_by}</span>
        </Button>
      )}
    </li>
  );
}

/** Ranges may overlap: an image is never scored twice by one embedder. */
function ScoreAnew({ generator, onClose }: { generator: string; onClose: () => void }): ReactNode {
  const [days, setDays] = useState("7");
  const backfill = useBackfill();
  const submit = (): void => {
    const to = new Date();
    const from = new Date(to.getTime() - Number(days) * DAY_MS);
    backfill.mutate({ generator, from: from.toISOString(), to: to.toISOString() }, { onSuccess: onClose });
  };
  return (
    <Dialog title={`Score images of ${generator} anew`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" loading={backfill.isPending}>Score them</Button>
      </>
    }>
      <p className="soft">The newest first, and only while no new image waits. What the present embedder has scored already stays as it is.</p>
      <Select label="Images of" data={Object.entries(DAYS).map(([value, label]) => ({ value, label }))} allowDeselect={false} value={days}
        onChange={(next) => setDays(next ?? days)} data-autofocus />
      {backfill.error && <Failure error={backfill.error} />}
    </Dialog>
  );
}

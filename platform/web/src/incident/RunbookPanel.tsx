import { Button, Textarea } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";

import { usePutRunbook, useResetRunbook } from "@/api/actions";
import type { Runbook } from "@/api/types";
import css from "@/incident/RunbookPanel.module.css";
import { useMay } from "@/session/role";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

const LONGEST = 20_000;

/** What to do about it: the bundled words, or the team's own. Messages link to this place. */
export function RunbookPanel({ runbook }: { runbook: Runbook }): ReactNode {
  const [writing, setWriting] = useState(false);
  const may = useMay("operate");
  const place = useRef<HTMLDivElement>(null);
  // A message's link leads here: the browser has looked for the place before there was one.
  useEffect(() => {
    if (window.location.hash === "#runbook") place.current?.scrollIntoView();
  }, []);
  return (
    <div id="runbook" ref={place} className={css.anchor}>
      <Panel title="What to do" aside={may && <Button size="compact-xs" variant="subtle" onClick={() => setWriting(true)}>Write your own</Button>}>
        {/* The server makes it from Markdown and escapes all HTML that was in it. */}
        <div className={css.text} dangerouslySetInnerHTML={{ __html: runbook.html }} />
        <p className={css.source}>
          {runbook.written_by ? <>For {humanise(runbook.monitor).toLowerCase()}, by {runbook.written_by}, <When at={runbook.written_at} clock /></> : <>Safelight's own words on {humanise(runbook.monitor).toLowerCase()}</>}
        </p>
      </Panel>
      {writing && <WriteDialog runbook={runbook} onClose={() => setWriting(false)} />}
    </div>
  );
}

function WriteDialog({ runbook, onClose }: { runbook: Runbook; onClose: () => void }): ReactNode {
  const { generator, monitor, written_by } = runbook;
  const [text, setText] = useState(runbook.text);
  const [forgetting, setForgetting] = useState(false);
  const put = usePutRunbook(generator, monitor);
  const reset = useResetRunbook(generator, monitor);
  const error = put.error ?? reset.error;
  const forget = (): void => (forgetting ? reset.mutate(undefined, { onSuccess: onClose }) : setForgetting(true));
  return (
    <Dialog sticky title={`When ${humanise(monitor).toLowerCase()} of ${generator} alarms`} onClose={onClose} onSubmit={() => put.mutate(text, { onSuccess: onClose })} actions={
      <>
        {written_by && (
          <Button variant="subtle" {...(forgetting ? { color: "var(--bad)" } : {})} loading={reset.isPending} onClick={forget}>
            {forgetting ? `Forget what ${written_by} wrote` : "Back to Safelight's"}
          </Button>
        )}
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" disabled={!text.trim()} loading={put.isPending}>Keep</Button>
      </>
    }>
      <Textarea label="Markdown" data-autofocus autosize minRows={10} maxRows={24} maxLength={LONGEST} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      {error && <Failure error={error} />}
    </Dialog>
  );
}

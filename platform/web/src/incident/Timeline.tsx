import { Button, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";

import { useComment } from "@/api/actions";
import type { IncidentDetail } from "@/api/types";
import css from "@/incident/Timeline.module.css";
import { useMay } from "@/session/role";
import { Failure } from "@/ui/Notice";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** What happened, newest last; it only grows. */
export function Timeline({ incident }: { incident: IncidentDetail }): ReactNode {
  const may = useMay("operate");
  return (
    <>
      <ol className={css.timeline}>
        {incident.events.map(({ seq, at, kind, actor, message }) => (
          <li key={seq} data-kind={kind}>
            <div className={css.line}><b>{humanise(kind)}</b><span className="muted">{actor} · <When at={at} clock /></span></div>
            <p>{message}</p>
          </li>
        ))}
      </ol>
      {may && <AddComment id={incident.id} />}
    </>
  );
}

function AddComment({ id }: { id: string }): ReactNode {
  const [text, setText] = useState("");
  const comment = useComment(id);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim()) comment.mutate(text, { onSuccess: () => setText("") });
  };
  return (
    <form onSubmit={submit} className={css.comment}>
      <TextInput aria-label="Comment" placeholder="Say what you found" value={text} maxLength={5000} onChange={(event) => setText(event.currentTarget.value)} />
      <Button type="submit" variant="default" disabled={!text.trim()} loading={comment.isPending}>Add</Button>
      {comment.error && <div className={css.failure}><Failure error={comment.error} /></div>}
    </form>
  );
}

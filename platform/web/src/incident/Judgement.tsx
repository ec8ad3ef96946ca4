import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { useJudge } from "@/api/actions";
import type { IncidentDetail } from "@/api/types";
import css from "@/incident/Judgement.module.css";
import { useMay } from "@/session/role";
import { Icon } from "@/ui/Icon";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** Was it right to ring? What people say is counted beside the budget of the monitors that rang. */
export function Judgement({ incident: { id, judgements } }: { incident: IncidentDetail }): ReactNode {
  const may = useMay("operate");
  return (
    <Panel title="Was the alarm right?">
      {judgements.length > 0 && (
        <ul className={css.said}>
          {judgements.map(({ actor, judgement, note, at }) => (
            <li key={actor}><State of={judgement}>{humanise(judgement)}</State><span>{actor}, <When at={at} clock />{note && <>: {note}</>}</span></li>
          ))}
        </ul>
      )}
      {may ? <Give id={id} /> : judgements.length === 0 && <p className="soft">Nobody has said yet.</p>}
    </Panel>
  );
}

function Give({ id }: { id: string }): ReactNode {
  const [note, setNote] = useState("");
  const judge = useJudge(id);
  const say = (judgement: "right" | "wrong") => (): void => judge.mutate({ judgement, note }, { onSuccess: () => setNote("") });
  return (
    <div className={css.give}>
      <TextInput aria-label="Why" placeholder="Why, if you like" value={note} maxLength={2000} onChange={(event) => setNote(event.currentTarget.value)} />
      <Button variant="default" leftSection={<Icon name="check" />} loading={judge.isPending} onClick={say("right")}>Right</Button>
      <Button variant="default" leftSection={<Icon name="cross" />} loading={judge.isPending} onClick={say("wrong")}>Wrong</Button>
      {judge.error && <div className={css.failure}><Failure error={judge.error} /></div>}
    </div>
  );
}

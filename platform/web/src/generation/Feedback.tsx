import { Button } from "@mantine/core";
import type { ReactNode } from "react";

import { useGiveFeedback } from "@/api/actions";
import type { FeedbackKind, Generation } from "@/api/types";
import css from "@/generation/Feedback.module.css";
import { useMay } from "@/session/role";
import { Facts } from "@/ui/Facts";
import { Icon, type IconName } from "@/ui/Icon";
import { Failure } from "@/ui/Notice";
import { count } from "@/ui/words";

const VOTES: { kind: FeedbackKind; icon: IconName; words: string }[] = [
  { kind: "up", icon: "up", words: "Thumb up" },
  { kind: "down", icon: "down", words: "Thumb down" },
];

/** What people made of an image, and one's own vote: a thumb up takes back a thumb down. */
export function Feedback({ generation: { id, feedback } }: { generation: Generation }): ReactNode {
  const may = useMay("generate");
  const give = useGiveFeedback(id);
  return (
    <>
      <Facts of={[
        ["Thumbs up", people(feedback.up)],
        ["Thumbs down", people(feedback.down)],
        ["Asked for again", people(feedback.regenerated)],
        ["Downloaded", people(feedback.downloaded)],
      ]} />
      {may && (
        <div className={`${css.votes} ${css.note}`}>
          {VOTES.map(({ kind, icon, words }) => (
            <Button key={kind} size="xs" variant="default" leftSection={<Icon name={icon} />} loading={give.isPending && give.variables === kind}
              onClick={() => give.mutate(kind)}>{words}</Button>
          ))}
        </div>
      )}
      {give.error && <Failure error={give.error} />}
    </>
  );
}

const people = (n: number): string => (n === 0 ? "nobody" : n === 1 ? "1 person" : `${count(n)} people`);

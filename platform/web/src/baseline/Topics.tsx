import type { ReactNode } from "react";

import type { BaselineDetail } from "@/api/types";
import css from "@/baseline/Topics.module.css";
import { Empty } from "@/ui/Empty";
import { Panel } from "@/ui/Panel";
import { count, percent } from "@/ui/words";

/** What people asked for at the baseline: clusters of prompts, by the words that set them apart. */
export function Topics({ of: topics }: { of: BaselineDetail["topics"] }): ReactNode {
  const most = Math.max(...topics.map(({ share }) => share));
  const told = topics.some(({ words }) => words.length > 0);
  return (
    <Panel title="What was asked for" aside={told && `${topics.length} clusters of prompts, the largest first`}>
      {!told ? (
        <Empty title="Its prompts were not kept">What was asked for is known to the lens, and cannot be put into words.</Empty>
      ) : (
        <ol className={css.topics}>
          {topics.map(({ n, share, words }, i) => (
            <li key={i}>
              <span className={css.words}>{words.length > 0 ? words.join(" · ") : <span className="muted">no words in common</span>}</span>
              <span className={css.share} title={`${count(n)} images`}>{percent(share)}</span>
              <span className={css.bar} style={{ inlineSize: `${(share / most) * 100}%` }} aria-hidden />
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

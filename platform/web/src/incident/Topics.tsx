import type { ReactNode } from "react";

import { departedTopics, unseenPrompts } from "@/incident/evidence";
import { DataTable } from "@/ui/DataTable";
import { Panel } from "@/ui/Panel";
import { figure, humanise, percent } from "@/ui/words";

/** Which requests the change shows in, by the words that they share. */
export function Topics({ evidence }: { evidence: Record<string, unknown> }): ReactNode {
  const topics = departedTopics(evidence);
  const unseen = unseenPrompts(evidence);
  if (topics.length === 0 && !unseen) return null;
  return (
    <Panel flush title="Where it shows" aside="clusters of prompts, by the words they share">
      {topics.length > 0 && (
        <DataTable caption="Where it shows" rows={topics.map((topic, place) => ({ ...topic, place }))} rowKey={({ place }) => place} columns={[
          { name: "Prompts with", grow: true, cell: ({ words }) => words.join(" · ") || <span className="muted">no words in common</span> },
          { name: "What moved", cell: ({ signals }) => signals.map(humanise).join(", ") || <span className="muted">–</span> },
          { name: "Departure", end: true, cell: ({ effect }) => `${figure(effect)} s.d.` },
          { name: "Share", end: true, cell: ({ share, usual }) => <>{percent(share)} <span className="muted">was {percent(usual)}</span></> },
        ]} />
      )}
      {unseen && (
        <p className="soft" style={{ padding: "8px 16px 12px" }}>
          {percent(unseen.share)} of the prompts were unlike any at the baseline{unseen.words.length > 0 && ` (${unseen.words.join(" · ")})`}, and are not judged.
        </p>
      )}
    </Panel>
  );
}

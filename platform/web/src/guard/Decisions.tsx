import type { ReactNode } from "react";

import type { IncidentDetail } from "@/api/types";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** Why the guard did what it did, or did nothing: its decisions, the newest first. */
export function Decisions({ incident }: { incident: IncidentDetail }): ReactNode {
  const decided = incident.events.filter(({ kind }) => kind === "policy").reverse();
  if (decided.length === 0) return null;
  return (
    <Panel title="What the guard made of it">
      <ul style={{ listStyle: "none", padding: 0, margin: 0, display: "grid", gap: 10 }}>
        {decided.map(({ seq, at, message, data }) => (
          <li key={seq}>
            <b>{humanise(String(data["action"] ?? "decided"))}</b> <span className="muted"><When at={at} clock /></span>
            <p>{message}</p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

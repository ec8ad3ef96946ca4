import type { ReactNode } from "react";

import type { IncidentDetail } from "@/api/types";
import { blamedSlice, isPlace } from "@/incident/evidence";
import { Notice } from "@/ui/Notice";

const NOUNS: Record<string, string> = { parameters: "request class" };

/** Where one part of the traffic alone is degraded: which, how the others fare, and what that asks for. */
export function OnePart({ incident }: { incident: IncidentDetail }): ReactNode {
  const slice = blamedSlice(incident.evidence);
  if (!slice) return null;
  const noun = NOUNS[slice.attribute] ?? slice.attribute;
  const name = slice.value === null ? `the other ${noun}s` : `${noun} ${slice.value}`;
  const rest = slice.healthy > 0 ? `${slice.healthy} of ${slice.others} others are healthy.` : `The ${slice.others} others are healthy together.`;
  return (
    <Notice tone="warn" icon="engine" title={`${name.charAt(0).toUpperCase()}${name.slice(1)} only`}>
      {rest}{" "}
      {isPlace(slice)
        ? `Take ${name} out of service and look at it there: its device, its driver, what it has loaded. Rolling the version back would not mend it.`
        : "It may be the version, seen by these requests alone: compare their images before you roll back for everybody."}
    </Notice>
  );
}

import { Button, Textarea } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { useDryRun, usePutMonitor } from "@/api/actions";
import type { DryRun, Monitor } from "@/api/types";
import { useTimeRange } from "@/scope/scope";
import { resolve } from "@/scope/timeRange";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Failure, Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { count, figure, humanise } from "@/ui/words";

/** At most about so many looks at the past: a longer range is looked at more coarsely. */
const MOST_TICKS = 1500;
const SHORTEST_TICK = 10;

/** The monitor's document: read by all, tried on the past by operators, saved by admins. */
export function Definition({ monitor }: { monitor: Monitor }): ReactNode {
  const { generator, name, document, enabled } = monitor;
  const saved = JSON.stringify(document, null, 2);
  const [text, setText] = useState(saved);
  const { range } = useTimeRange();
  const dryRun = useDryRun(generator);
  const save = usePutMonitor(generator, name);
  const [operate, administer] = [useMay("operate"), useMay("administer")];
  const wanted = parsed(text);
  const tryOut = (): void => {
    const { from, to } = resolve(range, new Date());
    const step = Math.max(1, Math.ceil((to.getTime() - from.getTime()) / 1000 / SHORTEST_TICK / MOST_TICKS));
    if (wanted) dryRun.mutate({ document: wanted, name, from: from.toISOString(), to: to.toISOString(), step });
  };
  return (
    <Panel title="Definition" aside="defaults need no tuning; try a change on the past before it may wake anybody">
      <Textarea aria-label="Definition" autosize minRows={4} spellCheck={false} readOnly={!operate} styles={{ input: { fontFamily: "var(--mono)", fontSize: 12.5 } }}
        error={wanted ? undefined : "This is not JSON yet."} value={text} onChange={(event) => {
          setText(event.currentTarget.value);
          dryRun.reset(); // what it said was about another text
        }} />
      {operate && (
        <div className="row" style={{ marginBlockStart: 10 }}>
          <Button variant="default" disabled={!wanted} loading={dryRun.isPending} onClick={tryOut}>Try it on the range above</Button>
          {administer && (
            <Button variant="default" disabled={!wanted || text === saved} loading={save.isPending} onClick={() => wanted && save.mutate({ document: wanted, enabled })}>
              Save
            </Button>
          )}
        </div>
      )}
      {[dryRun.error, save.error].map((error) => error && <div key={error.message} style={{ marginBlockStart: 10 }}><Failure error={error} /></div>)}
      {dryRun.data && <Outcome of={dryRun.data} />}
    </Panel>
  );
}

/** What it would have said, and how much of that was to be expected with nothing wrong. */
function Outcome({ of: { ticks, silent, healths, alarms, expected_false_alarms } }: { of: DryRun }): ReactNode {
  const answers = Object.entries(healths).map(([health, n]) => `${count(n)} ${health}`).join(", ");
  return (
    <div style={{ marginBlockStart: 14 }} role="status">
      <Notice tone={alarms.length > 0 ? "warn" : "unknown"} icon={alarms.length > 0 ? "alert" : "check"}
        title={alarms.length === 0 ? "It would have woken nobody" : `It would have alarmed ${alarms.length === 1 ? "once" : `${alarms.length} times`}`}>
        <p>{count(ticks)} looks: {answers || "no answer"}{silent > 0 && `; ${count(silent)} with nothing to ask`}. With nothing wrong, at most {figure(expected_false_alarms)} alarms were to be expected.</p>
      </Notice>
      {alarms.length > 0 && (
        <DataTable caption="Alarms it would have raised" rows={alarms} rowKey={({ first }) => first} columns={[
          { name: "From", cell: ({ first }) => <When at={first} clock /> },
          { name: "Until", cell: ({ last }) => <When at={last} clock /> },
          { name: "Version", cell: ({ version }) => <VersionTag version={version} /> },
          { name: "Reason", cell: ({ reason }) => humanise(reason) },
          { name: "Why", grow: true, cell: ({ summary }) => summary },
          { name: "p-value", end: true, cell: ({ p_value }) => figure(p_value) },
        ]} />
      )}
    </div>
  );
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

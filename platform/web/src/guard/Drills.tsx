import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { useDrill } from "@/api/actions";
import { drillsQuery } from "@/api/queries";
import type { Drill } from "@/api/types";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { duration, humanise } from "@/ui/words";

/** Every night the version to go back to is loaded afresh, beside what serves. */
export function Drills({ generator }: { generator: string }): ReactNode {
  const query = useQuery(drillsQuery(generator));
  const drill = useDrill();
  const may = useMay("operate");
  const run = may && (
    <Button size="xs" variant="default" loading={drill.isPending} onClick={() => drill.mutate({ generator })}>Run one now</Button>
  );
  return (
    <Panel flush title="Drills" aside={run || "is there a way back?"}>
      {drill.error && <div style={{ padding: "0 16px 8px" }}><Failure error={drill.error} /></div>}
      <Load query={query} height={160}>
        {(drills) =>
          drills.length === 0 ? (
            <Empty icon="rollback" title="No drill yet" command={`safelight drill ${generator}`}>
              One runs every night, once a version is known to be good.
            </Empty>
          ) : (
            <DataTable caption="Drills" rows={drills} rowKey={({ id }) => id} columns={[
              { name: "Ordered", cell: ({ ordered_at }) => <When at={ordered_at} clock /> },
              { name: "Version", cell: ({ version }) => <VersionTag version={version} link /> },
              { name: "Came to", cell: ({ state }) => <State of={state} /> },
              { name: "Took", end: true, cell: ({ seconds }) => seconds === null ? "–" : duration(seconds) },
              { name: "What was found", grow: true, cell: (one) => said(one) },
              { name: "Who", cell: ({ ordered_by, host }) => <>{ordered_by}{host && <div className="muted">on {host}</div>}</> },
            ]} />
          )
        }
      </Load>
    </Panel>
  );
}

function said({ state, reason, detail, fetch_seconds, load_seconds, check_seconds }: Drill): string {
  if (state === "passed")
    return `Fetched and verified in ${duration(fetch_seconds ?? 0)}, loaded in ${duration(load_seconds ?? 0)}, golden images drawn in ${duration(check_seconds ?? 0)}.`;
  return [reason && humanise(reason), detail].filter(Boolean).join(": ");
}

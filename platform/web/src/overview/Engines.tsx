import type { ReactNode } from "react";

import type { GeneratorStatus } from "@/api/types";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";

interface Props {
  engines: GeneratorStatus["engines"];
  serving: number;
  external: boolean;
  inFlight: number;
}

/** The processes that hold versions loaded: the serving one, and those kept warm for the way back. */
export function Engines({ engines, serving, external, inFlight }: Props): ReactNode {
  if (external && engines.length === 0) return null;
  return (
    <Panel flush title="Engines" aside={`${inFlight} in flight`}>
      {engines.length === 0 ? (
        <Empty icon="engine" title="No engine is running" command="safelight engine">
          Requests are refused until one has loaded v{serving}.
        </Empty>
      ) : (
        <DataTable caption="Engines" rows={engines} rowKey={({ id }) => id} columns={[
          { name: "Version", cell: ({ version }) => <VersionTag version={version} link /> },
          { name: "State", cell: ({ state }) => <State of={state} /> },
          { name: "Role", cell: ({ version, spare }) => (spare ? "spare: probes or a drill" : version === serving ? "serves" : "kept warm") },
          { name: "Host", cell: ({ host }) => host },
          { name: "Detail", grow: true, cell: ({ detail }) => detail || <span className="muted">–</span> },
          { name: "Started", cell: ({ started_at }) => <When at={started_at} /> },
        ]} />
      )}
    </Panel>
  );
}

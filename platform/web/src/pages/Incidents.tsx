import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { type IncidentFilter, incidentsQuery, MOST_INCIDENTS } from "@/api/queries";
import { IncidentRow } from "@/incident/IncidentRow";
import { useGenerator, useParam } from "@/scope/scope";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";

const FILTERS: { value: IncidentFilter; label: string }[] = [
  { value: "open", label: "Needs attention" },
  { value: "resolved", label: "Resolved" },
  { value: "all", label: "All" },
];

export default function Incidents(): ReactNode {
  const { name } = useGenerator();
  const [state, setState] = useParam("state");
  const filter = FILTERS.find(({ value }) => value === state)?.value ?? "open";
  return (
    <>
      <PageHead title="Incidents" lead="What a degraded answer of a monitor has opened.">
        <SegmentedControl size="xs" aria-label="Which incidents" data={FILTERS} value={filter} onChange={(next) => setState(next === "open" ? null : next)} />
      </PageHead>
      {name && <List generator={name} filter={filter} />}
    </>
  );
}

function List({ generator, filter }: { generator: string; filter: IncidentFilter }): ReactNode {
  const query = useQuery(incidentsQuery(generator, filter));
  return (
    <Load query={query} height={200}>
      {(incidents) =>
        incidents.length > 0 ? (
          <Panel flush title={FILTERS.find(({ value }) => value === filter)?.label} aside={incidents.length >= MOST_INCIDENTS && `the newest ${incidents.length}`}>
            {incidents.map((incident) => <IncidentRow key={incident.id} incident={incident} />)}
          </Panel>
        ) : filter === "open" ? (
          <Empty icon="check" title="Nothing needs attention">No incident of {generator} is open.</Empty>
        ) : (
          <Empty icon="incidents" title={filter === "all" ? "There has been no incident" : "No incident has been resolved"} />
        )
      }
    </Load>
  );
}

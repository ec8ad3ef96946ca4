import { Radio, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { useSetRegistryPolicy } from "@/api/actions";
import { registryFindingsQuery, registryQuery } from "@/api/releasing";
import type { RegistryPolicy } from "@/api/types";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

const POLICIES: Record<RegistryPolicy, [name: string, meaning: string]> = {
  put_back: ["Put back", "An alias that somebody moves in MLflow is moved back to what the ledger says."],
  adopt: ["Adopt", "It is taken for the wish to release that version, which is checked like any other release."],
};

/** What others changed in the version registry, and what becomes of it. */
export function Registry({ generator }: { generator: string }): ReactNode {
  return (
    <div className="stack">
      <Policy generator={generator} />
      <Findings generator={generator} />
    </div>
  );
}

function Policy({ generator }: { generator: string }): ReactNode {
  const set = useSetRegistryPolicy(generator);
  const may = useMay("operate");
  return (
    <Load query={useQuery(registryQuery(generator))} height={140}>
      {({ policy, looked_at }) => (
        <Panel title="When somebody edits the registry" aside={looked_at ? <>looked at <When at={looked_at} /></> : "not looked at yet"}>
          <Radio.Group value={policy} onChange={(next) => set.mutate(next as RegistryPolicy)} aria-label="When somebody edits the registry"
            description={may ? undefined : "Changing it takes an operator's key."}>
            <Stack gap="sm" mt={4}>
              {(Object.keys(POLICIES) as RegistryPolicy[]).map((value) => (
                <Radio key={value} value={value} label={POLICIES[value][0]} description={POLICIES[value][1]} disabled={!may || set.isPending} />
              ))}
            </Stack>
          </Radio.Group>
          {set.error && <Failure error={set.error} />}
        </Panel>
      )}
    </Load>
  );
}

function Findings({ generator }: { generator: string }): ReactNode {
  const href = useHref();
  return (
    <Load query={useQuery(registryFindingsQuery(generator))} height={200}>
      {(findings) => (
        <Panel flush title="Edits, the newest first">
          {findings.length > 0 ? (
            <DataTable caption="Edits of the registry" rows={findings} rowKey={({ id }) => id} columns={[
              { name: "Noticed", cell: ({ noticed_at }) => <When at={noticed_at} clock /> },
              { name: "What", grow: true, cell: ({ detail }) => detail },
              { name: "Became", cell: ({ outcome, remedy, held_by }) => (
                <State of={outcome ? "resolved" : "triggered"}>{held_by ? `Held: ${held_by} has turned the stop switch on` : humanise(outcome ?? remedy)}</State>
              ) },
              { name: "Incident", cell: ({ incident_id: id }) => (id ? <Link to={href(`/incidents/${id}`)}>Open</Link> : null) },
            ]} />
          ) : (
            <Empty title="Nobody has edited it outside Safelight" />
          )}
        </Panel>
      )}
    </Load>
  );
}

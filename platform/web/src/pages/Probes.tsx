import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { probeRunsQuery, probeSetsQuery } from "@/api/queries";
import { ProbeNow } from "@/probe/ProbeNow";
import { RunTable } from "@/probe/RunTable";
import { useGenerator } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";
import { count, humanise } from "@/ui/words";

export default function Probes(): ReactNode {
  const { name, current } = useGenerator();
  const [asking, dialog] = useDisclosure();
  const may = useMay("operate");
  return (
    <>
      <PageHead title="Probes" lead="The same prompts and seeds, made again and again: what changes in their images is not what people ask for.">
        {name && may && <Button variant="default" onClick={dialog.open}>Probe a version</Button>}
      </PageHead>
      {name && <Body generator={name} />}
      {name && asking && <ProbeNow generator={name} serving={current?.serving?.version ?? null} onClose={dialog.close} />}
    </>
  );
}

function Body({ generator }: { generator: string }): ReactNode {
  const runs = useQuery(probeRunsQuery(generator));
  const sets = useQuery(probeSetsQuery(generator));
  return (
    <>
      <Load query={runs} height={320}>
        {(items) => (
          <Panel flush title="Runs" aside={`newest first${items.length === 100 ? ", the last 100" : ""}`}>
            {items.length > 0 ? <RunTable runs={items} /> : (
              <Empty icon="probes" title="No probe has been made yet">Engines that Safelight runs are probed every few minutes, once a version serves.</Empty>
            )}
          </Panel>
        )}
      </Load>
      <Load query={sets} height={120}>
        {(items) => (
          <Panel flush title="Sets" aside="prompts with their seeds; a set never changes">
            {items.length > 0 ? (
              <DataTable caption="Probe sets" rows={items} rowKey={({ id }) => id} columns={[
                { name: "Name", grow: true, cell: ({ name }) => name },
                { name: "From", cell: ({ source }) => humanise(source) },
                { name: "Pairs", end: true, cell: ({ plain }) => count(plain) },
                { name: "Other wordings", end: true, cell: ({ size, plain }) => count(size - plain) },
                { name: "Made", cell: ({ created_at, created_by }) => <><When at={created_at} /> <span className="muted">by {created_by}</span></> },
              ]} />
            ) : (
              <Empty title="There is no set yet" command={`safelight probes import ${generator} probes.csv --name ours`} />
            )}
          </Panel>
        )}
      </Load>
    </>
  );
}

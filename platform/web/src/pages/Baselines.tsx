import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Link } from "react-router";

import { baselineJobsQuery, baselinesQuery } from "@/api/queries";
import type { Baseline } from "@/api/types";
import { Jobs } from "@/baseline/Jobs";
import { MakeBaseline } from "@/baseline/MakeBaseline";
import { useGenerator, useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { count, humanise } from "@/ui/words";

export default function Baselines(): ReactNode {
  const { name, current } = useGenerator();
  const [making, dialog] = useDisclosure();
  const may = useMay("operate");
  return (
    <>
      <PageHead title="Baselines" lead="What “as it was” means: named references that never change, and that the monitors compare with.">
        {name && may && <Button variant="default" onClick={dialog.open}>Make a baseline</Button>}
      </PageHead>
      {name && <Body key={name} generator={name} />}
      {name && making && <MakeBaseline generator={name} serving={current?.serving?.version ?? null} onClose={dialog.close} />}
    </>
  );
}

function Body({ generator }: { generator: string }): ReactNode {
  const href = useHref();
  const query = useQuery(baselinesQuery(generator));
  useFinishedJobs(generator);
  return (
    <>
      <Jobs generator={generator} />
      <Load query={query} height={240}>
        {(baselines) => (
          <Panel flush title="Newest first" aside={`${baselines.length} of ${generator}`}>
            {baselines.length === 0 ? (
              <Empty icon="baselines" title="There is no baseline yet" command={`safelight baseline make ${generator} 1 --name first-day`}>
                Until there is one, the monitors of images have nothing to compare with and say so.
              </Empty>
            ) : (
              <DataTable caption={`Baselines of ${generator}`} rows={baselines} rowKey={({ id }) => id} columns={[
                { name: "Name", grow: true, cell: ({ id, name }) => <Link to={href(`/baselines/${id}`)}>{name}</Link> },
                { name: "Version", cell: ({ version }) => <VersionTag version={version} link /> },
                { name: "Made of", cell: ({ source }) => SOURCES[source] ?? humanise(source) },
                { name: "Images", end: true, cell: ({ n }) => count(n) },
                { name: "Served", cell: (baseline) => <Span of={baseline} /> },
                { name: "Made", cell: ({ created_at, created_by }) => <><When at={created_at} /> <span className="muted">by {created_by}</span></> },
              ]} />
            )}
          </Panel>
        )}
      </Load>
    </>
  );
}

export const SOURCES: Record<string, string> = {
  traffic: "Its traffic",
  canary: "Canary traffic",
  shadow: "Shadow traffic",
  replay: "Replayed requests",
  recorded: "A recorded stream",
};

/** The range of time that a baseline's images were made in, where it has one. */
export function Span({ of: { data_from, data_to } }: { of: Pick<Baseline, "data_from" | "data_to"> }): ReactNode {
  return data_from && data_to ? <><When at={data_from} clock /> – <When at={data_to} clock /></> : <span className="muted">made for it</span>;
}

/** A job that ends has made a baseline, or has not: the list is read again. */
function useFinishedJobs(generator: string): void {
  const cache = useQueryClient();
  const ended = useQuery(baselineJobsQuery(generator)).data?.filter(({ baseline_id }) => baseline_id !== null).length;
  useEffect(() => void cache.invalidateQueries({ queryKey: ["baselines", generator] }), [cache, generator, ended]);
}

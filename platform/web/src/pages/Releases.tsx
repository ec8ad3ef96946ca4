import { Button, Tabs } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { MOST_RELEASES, releasesQuery } from "@/api/queries";
import { ledgerQuery } from "@/api/releasing";
import { Drills } from "@/guard/Drills";
import { LedgerTable } from "@/release/LedgerTable";
import { LiveAt } from "@/release/LiveAt";
import { Registry } from "@/release/Registry";
import { ReleaseTable } from "@/release/ReleaseTable";
import { Scopes } from "@/release/Scopes";
import { useGenerator, useParam } from "@/scope/scope";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";

export default function Releases(): ReactNode {
  const { name } = useGenerator();
  const [tab, setTab] = useParam("tab");
  return (
    <>
      <PageHead title="Releases" lead="Every change of what serves, and the ledger that proves it." />
      {name && (
        <>
          <LiveAt key={name} generator={name} />
          <Tabs value={tab || "releases"} onChange={(next) => setTab(next === "releases" ? null : next)} keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="releases">Releases</Tabs.Tab>
              <Tabs.Tab value="ledger">Ledger</Tabs.Tab>
              <Tabs.Tab value="drills">Drills</Tabs.Tab>
              <Tabs.Tab value="scopes">Scopes</Tabs.Tab>
              <Tabs.Tab value="registry">Registry</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="releases" pt="md"><All generator={name} /></Tabs.Panel>
            <Tabs.Panel value="ledger" pt="md"><Chain generator={name} /></Tabs.Panel>
            <Tabs.Panel value="drills" pt="md"><Drills generator={name} /></Tabs.Panel>
            <Tabs.Panel value="scopes" pt="md"><Scopes key={name} generator={name} /></Tabs.Panel>
            <Tabs.Panel value="registry" pt="md"><Registry key={name} generator={name} /></Tabs.Panel>
          </Tabs>
        </>
      )}
    </>
  );
}

function All({ generator }: { generator: string }): ReactNode {
  return (
    <Load query={useQuery(releasesQuery(generator))} height={280}>
      {(releases) => (
        <Panel flush title="Newest first" aside={releases.length === MOST_RELEASES && `the last ${MOST_RELEASES}`}>
          {releases.length > 0 ? (
            <ReleaseTable releases={releases} />
          ) : (
            <Empty icon="releases" title="Nothing has been released yet" command={`safelight promote ${generator} 1`} />
          )}
        </Panel>
      )}
    </Load>
  );
}

function Chain({ generator }: { generator: string }): ReactNode {
  const query = useInfiniteQuery(ledgerQuery(generator));
  return (
    <Load query={query} height={280}>
      {({ pages }) => (
        <>
          <LedgerTable generator={generator} pages={pages} />
          {query.hasNextPage && <Button variant="default" mt="md" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Earlier entries</Button>}
        </>
      )}
    </Load>
  );
}

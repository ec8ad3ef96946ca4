import { Button, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { auditQuery } from "@/api/queries";
import { EvidencePack } from "@/audit/EvidencePack";
import { useGenerator, useParam } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Icon } from "@/ui/Icon";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";

export default function Audit(): ReactNode {
  const query = useInfiniteQuery(auditQuery);
  const [wanted, setWanted] = useParam("q");
  const { name } = useGenerator();
  return (
    <>
      <PageHead title="Audit" lead="Who did what, when, and to what.">
        <TextInput size="xs" leftSection={<Icon name="search" size={14} />} aria-label="Filter the lines below" placeholder="Filter the lines below"
          value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} />
      </PageHead>
      {name && <EvidencePack key={name} generator={name} />}
      <Load query={query} height={320}>
        {({ pages }) => {
          const lines = pages.flatMap(({ items }) => items);
          const shown = lines.filter((line) => `${line.actor} ${line.action} ${line.target} ${line.detail}`.toLowerCase().includes(wanted.toLowerCase()));
          return (
            <Panel flush title="Newest first" aside={`${shown.length} of ${lines.length} loaded`}>
              {shown.length > 0 ? (
                <DataTable caption="Audit log" rows={shown} rowKey={({ id }) => id} columns={[
                  { name: "When", cell: ({ at }) => <When at={at} clock /> },
                  { name: "Who", cell: ({ actor }) => actor },
                  { name: "What", cell: ({ action }) => <code>{action}</code> },
                  { name: "To what", cell: ({ target }) => target },
                  { name: "Detail", grow: true, cell: ({ detail }) => detail || <span className="muted">–</span> },
                ]} />
              ) : (
                <Empty icon="audit" title={lines.length > 0 ? "No line matches" : "Nothing has been done yet"} />
              )}
            </Panel>
          );
        }}
      </Load>
      {query.hasNextPage && (
        <Button variant="default" style={{ alignSelf: "center" }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button>
      )}
    </>
  );
}

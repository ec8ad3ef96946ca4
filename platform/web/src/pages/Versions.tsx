import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";

import { versionsQuery } from "@/api/queries";
import { ledgerQuery } from "@/api/releasing";
import type { Version } from "@/api/types";
import { useReleaseDialogs } from "@/release/ReleaseDialogs";
import { useGenerator } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { short } from "@/ui/words";

export default function Versions(): ReactNode {
  const { name, current } = useGenerator();
  return (
    <>
      <PageHead title="Versions" lead="Immutable bundles: checkpoint, adapters, scheduler, defaults and filters, known by their digest." />
      {name && <Table generator={name} serving={current?.serving?.version ?? null} />}
    </>
  );
}

function Table({ generator, serving }: { generator: string; serving: number | null }): ReactNode {
  const query = useQuery(versionsQuery(generator));
  return (
    <Load query={query} height={320}>
      {(versions) => (
        <Panel flush title={generator} aside={`${versions.length} registered`}>
          {versions.length === 0 ? (
            <Empty icon="versions" title="No version is registered" command={`safelight register ${generator} ./checkpoint --manifest manifest.json`} />
          ) : (
            <DataTable caption={`Versions of ${generator}`} rows={versions} rowKey={({ number }) => number} columns={[
              { name: "Version", cell: ({ number }) => <VersionTag version={number} link /> },
              { name: "What it is", grow: true, cell: ({ description }) => description },
              { name: "Standing", cell: (version) => <Standing version={version} /> },
              { name: "Digest", cell: ({ digest }) => <code title={digest}>{short(digest.replace("sha256:", ""))}</code> },
              { name: "Registered", cell: ({ registered_at, registered_by }) => <><When at={registered_at} /> <span className="muted">by {registered_by}</span></> },
              { name: "Go to it", cell: (version) => <GoTo version={version} serving={serving} /> },
            ]} />
          )}
        </Panel>
      )}
    </Load>
  );
}

/** What became of a version so far; several can be true at once. */
export function Standing({ version: { serving, accepted, rolled_back, quarantined, warm, external, gone_at } }: { version: Version }): ReactNode {
  const none = !serving && !accepted && !rolled_back && !warm && !gone_at;
  return (
    <span className="row" style={{ gap: 5 }}>
      {serving && <State of="serving">Serving</State>}
      {accepted && <State of="accepted">Known good</State>}
      {rolled_back && <State of="rolled_back" tone="warn">{quarantined ? "In quarantine" : "Rolled back"}</State>}
      {warm && !serving && <State of="ready" tone="unknown">Warm</State>}
      {gone_at && <State of="gone" tone="warn">Gone from the registry</State>}
      {none && <span className="muted">never served</span>}
      {external && <span className="muted" title="Your own service serves it: nothing of it is loaded here">served elsewhere</span>}
    </span>
  );
}

/** There is only going back to what has served; everything else is promoted. The label names the target. */
export function GoTo({ version, serving }: { version: Version; serving: number | null }): ReactNode {
  const { rollback, promote } = useReleaseDialogs();
  const may = useMay("operate");
  const { generator, number } = version;
  const served = useServed(generator).has(number);
  if (version.serving) return <span className="muted">serves now</span>;
  if (!may) return <span className="muted" title="Takes an operator's key">operators only</span>;
  return serving !== null && number < serving && served && !version.quarantined ? (
    <Button size="compact-sm" variant="default" onClick={() => rollback({ generator, serving, target: number })}>Roll back to v{number}</Button>
  ) : (
    <Button size="compact-sm" variant="light" onClick={() => promote({ generator, serving, version: number })}>Promote to v{number}</Button>
  );
}

/** The versions that production was on lately. */
function useServed(generator: string): ReadonlySet<number> {
  const { data } = useInfiniteQuery(ledgerQuery(generator));
  return useMemo(() => new Set(data?.pages.flatMap(({ items }) => items.map(({ to_version }) => to_version))), [data]);
}

import type { ReactNode } from "react";

import type { components } from "@/api/schema";
import { DataTable } from "@/ui/DataTable";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { Change, VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { humanise, short } from "@/ui/words";

type Ledger = components["schemas"]["Ledger"];

const plain = (hash: string): string => hash.replace("sha256:", "");

/** The append-only chain: each entry holds the hash of the one before, so that none can be changed unseen. */
export function LedgerTable({ ledger }: { ledger: Ledger }): ReactNode {
  return (
    <Panel flush title="Ledger" aside={ledger.verified ? <State of="verified">Chain verified</State> : null}>
      {!ledger.verified && (
        <div style={{ padding: "0 16px 12px" }}>
          <Notice tone="bad" title={`The chain is broken at entry ${ledger.broken_at}`}>
            {humanise(ledger.broken_because ?? "unknown")}. Something other than Safelight has changed it; compare with a backup.
          </Notice>
        </div>
      )}
      <DataTable caption="Ledger" rows={ledger.items} rowKey={({ seq }) => seq} columns={[
        { name: "Entry", cell: ({ seq }) => seq },
        { name: "Kind", cell: ({ kind }) => humanise(kind) },
        { name: "Change", cell: ({ kind, from_version, to_version }) => kind === "accept" ? <VersionTag version={to_version} /> : <Change from={from_version} to={to_version} /> },
        { name: "Why", grow: true, cell: ({ reason }) => reason || <span className="muted">no reason given</span> },
        { name: "Who", cell: ({ actor }) => actor },
        { name: "When", cell: ({ at }) => <When at={at} clock /> },
        { name: "Hash", cell: ({ hash, prev_hash }) => <code title={`${hash}, after ${prev_hash}`}>{short(plain(hash), 8)}</code> },
      ]} />
    </Panel>
  );
}

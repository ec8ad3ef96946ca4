import type { ReactNode } from "react";

import type { components } from "@/api/schema";
import css from "@/release/LedgerTable.module.css";
import { Verification } from "@/release/Verification";
import { DataTable } from "@/ui/DataTable";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { Change, VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { humanise, short } from "@/ui/words";

type Ledger = components["schemas"]["Ledger"];

const plain = (hash: string): string => hash.replace("sha256:", "");

/** The append-only chain: each entry holds the hash of the one before, so that none can be changed unseen. */
export function LedgerTable({ generator, pages }: { generator: string; pages: Ledger[] }): ReactNode {
  const broken = pages.find(({ verified }) => !verified);
  const file = (form: string): string => `/api/v1/ledger/export?generator=${encodeURIComponent(generator)}&format=${form}`;
  return (
    <Panel flush title="Ledger" aside={<span className={css.files}>All of it as <a href={file("csv")} download>CSV</a><a href={file("json")} download>JSON</a></span>}>
      <div className={css.proof}>
        {broken && (
          <Notice tone="bad" title={`The chain is broken at entry ${broken.broken_at}`}>
            {humanise(broken.broken_because ?? "unknown")}. Something other than Safelight has changed it; compare with a backup.
          </Notice>
        )}
        <Verification generator={generator} />
      </div>
      <DataTable caption="Ledger" rows={pages.flatMap(({ items }) => items)} rowKey={({ seq }) => seq} columns={[
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

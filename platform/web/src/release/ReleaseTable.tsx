import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Release } from "@/api/types";
import { useHref } from "@/scope/scope";
import { DataTable } from "@/ui/DataTable";
import { State } from "@/ui/State";
import { Change } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

export function ReleaseTable({ releases }: { releases: Release[] }): ReactNode {
  const href = useHref();
  return (
    <DataTable caption="Releases" rows={releases} rowKey={({ id }) => id} columns={[
      { name: "Release", cell: ({ id, kind }) => <Link to={href(`/releases/${id}`)}>{humanise(kind)}</Link> },
      { name: "Change", cell: ({ from_version, to_version }) => <Change from={from_version} to={to_version} /> },
      ...(releases.some(({ scope }) => scope !== "default") ? [{ name: "Scope", cell: ({ scope }: Release) => scope }] : []),
      { name: "State", cell: ({ state, moving }) => <State of={state} {...(moving ? { tone: "busy" as const } : {})} /> },
      { name: "Why", grow: true, cell: ({ reason }) => reason || <span className="muted">no reason given</span> },
      { name: "Who", cell: ({ actor }) => actor },
      { name: "When", cell: ({ created_at }) => <When at={created_at} clock /> },
    ]} />
  );
}

import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { useTellTarget } from "@/api/actions";
import { scopesQuery } from "@/api/releasing";
import type { ScopeState } from "@/api/types";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { DataTable } from "@/ui/DataTable";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** What should serve in each region or stage, and what does as far as anybody has seen. */
export function Scopes({ generator }: { generator: string }): ReactNode {
  const href = useHref();
  return (
    <Load query={useQuery(scopesQuery(generator))} height={200}>
      {(scopes) => (
        <Panel flush title="Scopes, in the order in which a release goes through them">
          <DataTable caption="Scopes" rows={scopes} rowKey={({ name }) => name} columns={[
            { name: "Scope", cell: ({ name, bake_seconds }) => <>{name}{bake_seconds > 0 && <span className="muted"> bakes {bake_seconds} s</span>}</> },
            { name: "Serves it", cell: ({ target }) => (target ? humanise(target.kind) : "our engines, or declared") },
            { name: "Desired", cell: ({ desired_version: version }) => <VersionTag version={version} link /> },
            { name: "Observed", cell: (scope) => <Observed of={scope} /> },
            { name: "Release", cell: ({ release_id, state }) => (release_id && state ? <Link to={href(`/releases/${release_id}`)}><State of={state} /></Link> : "none") },
            { name: "What it says", grow: true, cell: ({ detail }) => detail || <span className="muted">nothing</span> },
            { name: "Again", end: true, cell: ({ target }) => (target?.release_id ? <TellAgain target={target.id} /> : <span className="muted">–</span>) },
          ]} />
        </Panel>
      )}
    </Load>
  );
}

/** What nobody has seen is shown as not known, never as well. */
function Observed({ of: { observed_version: version, observed_at: at, desired_version: desired } }: { of: ScopeState }): ReactNode {
  if (version === null) return <State of="unknown">not observed</State>;
  return (
    <State of={version === desired ? "serving" : "changed"}>
      version {version}{at && <> · <When at={at} /></>}
    </State>
  );
}

function TellAgain({ target }: { target: string }): ReactNode {
  const tell = useTellTarget();
  if (!useMay("operate")) return null;
  return (
    <>
      <Button size="compact-xs" variant="default" loading={tell.isPending} onClick={() => tell.mutate(target)}>Tell again</Button>
      {tell.error && <Failure error={tell.error} />}
    </>
  );
}

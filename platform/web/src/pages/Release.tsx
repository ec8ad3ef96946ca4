import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import { useAccept } from "@/api/actions";
import type { Release as One } from "@/api/types";
import { useReleaseDialogs } from "@/release/ReleaseDialogs";
import { Canary } from "@/release/Canary";
import { Difference } from "@/release/Difference";
import { Gates } from "@/release/Gates";
import { Steps } from "@/release/Steps";
import { flipSeconds } from "@/release/steps";
import { useFollowedRelease } from "@/release/useFollowedRelease";
import { useAdoptGenerator, useGenerator, useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Facts } from "@/ui/Facts";
import { Icon } from "@/ui/Icon";
import { Load } from "@/ui/Load";
import { Failure, Notice } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { Change } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { duration, humanise } from "@/ui/words";

export default function Release(): ReactNode {
  const query = useFollowedRelease(useParams()["id"] ?? "");
  const release = query.data;
  useAdoptGenerator(release?.generator);
  const title = release ? `${humanise(release.kind)} to v${release.to_version}` : "Release";
  return (
    <>
      <PageHead title={title} back={{ to: "/releases", label: "Releases" }}>{release && <Next release={release} />}</PageHead>
      <Load query={query} height={320}>{(one) => <Body release={one} />}</Load>
    </>
  );
}

function Body({ release }: { release: One }): ReactNode {
  const href = useHref();
  const { moving, state, kind, to_version } = release;
  const flip = flipSeconds(release);
  return (
    <>
      {kind === "rollback" && state === "serving" && !moving && (
        <Notice tone="good" icon="check" title={`v${to_version} serves again`}>
          The monitors now watch fresh images. Once they are content, the incident closes by itself.
        </Notice>
      )}
      {state === "failed" && (
        <Notice tone="bad" title="This release failed">
          {release.steps.at(-1)?.detail || "See the engine's log."} What served before still serves.
        </Notice>
      )}
      <div style={{ display: "grid", gap: 18, gridTemplateColumns: "repeat(auto-fit, minmax(min(340px, 100%), 1fr))", alignItems: "start" }}>
        <Panel title="Progress" aside={moving ? "as it happens" : null}><Steps release={release} /></Panel>
        <Panel title="Release">
          <Facts of={[
            ["Change", <Change key="change" from={release.from_version} to={to_version} />],
            ["State", <State key="state" of={state} {...(moving ? { tone: "busy" as const } : {})} />],
            ["Reason", release.reason || <span className="muted">none given</span>],
            ["Who", release.actor],
            ["Asked for", <When key="when" at={release.created_at} clock />],
            ["Flip", flip === null ? <span className="muted">not yet</span> : `${duration(flip)}, from the ledger's commit until every gateway followed`],
            ["Ledger entry", release.ledger_seq ?? <span className="muted">none: production was not changed</span>],
            ["Incident", release.incident_id ? <Link key="incident" to={href(`/incidents/${release.incident_id}`)}>The incident it answers</Link> : null],
          ]} />
        </Panel>
        {release.gates.length > 0 && (
          <Panel title="Gates">
            {release.override && (
              <Notice tone="warn" title={`${release.override.by} promotes it whatever the gates say`}>{release.override.reason}</Notice>
            )}
            <Gates of={release.gates} />
          </Panel>
        )}
      </div>
      {release.canary && <Canary release={release} of={release.canary} />}
      <Difference release={release} />
    </>
  );
}

/** What can be done from here: call the version good, or go back from it. */
function Next({ release }: { release: One }): ReactNode {
  const { current } = useGenerator();
  const { rollback } = useReleaseDialogs();
  const may = useMay("operate");
  const accept = useAccept();
  const serving = current?.serving;
  if (!may || !current || current.name !== release.generator || serving?.release_id !== release.id || release.moving) return null;
  const target = current.rollback_target?.version;
  return (
    <>
      {accept.error && <Failure error={accept.error} />}
      {!serving.accepted && (
        <Button variant="default" leftSection={<Icon name="check" />} loading={accept.isPending}
          onClick={() => accept.mutate({ generator: release.generator, expected_serving: serving.version, reason: "" })}>
          Accept v{serving.version} as known good
        </Button>
      )}
      {release.kind === "promote" && target !== undefined && (
        <Button variant="default" leftSection={<Icon name="rollback" />}
          onClick={() => rollback({ generator: release.generator, serving: serving.version, target })}>
          Undo: back to v{target}
        </Button>
      )}
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useParams } from "react-router";

import { baselineQuery } from "@/api/queries";
import type { BaselineDetail } from "@/api/types";
import { Sight } from "@/baseline/Sight";
import { Topics } from "@/baseline/Topics";
import { SOURCES, Span } from "@/pages/Baselines";
import { useAdoptGenerator } from "@/scope/scope";
import { Command } from "@/ui/Command";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { Notice } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { count, humanise } from "@/ui/words";

export default function Baseline(): ReactNode {
  const query = useQuery(baselineQuery(useParams()["id"] ?? ""));
  const baseline = query.data;
  useAdoptGenerator(baseline?.generator);
  return (
    <>
      <PageHead title={baseline?.name ?? "Baseline"} back={{ to: "/baselines", label: "Baselines" }}
        lead={baseline && <>What <VersionTag version={baseline.version} link /> made when it was as it should be, {count(baseline.n)} images of it.</>} />
      <Load query={query} height={420}>
        {(one) => (
          <>
            <Ready of={one} />
            <Sight baseline={one} />
            <Topics of={one.topics} />
            <Panel title="About"><About baseline={one} /></Panel>
          </>
        )}
      </Load>
    </>
  );
}

/** A new baseline starts with empty windows: until they have filled, what needs it says that it cannot tell. */
function Ready({ of: { readiness } }: { of: BaselineDetail }): ReactNode {
  if (!readiness || readiness.n >= readiness.needed) return null;
  const { version, n, needed, expected_at } = readiness;
  return (
    <Notice tone="unknown" icon="clock" title="Its windows are still filling">
      {count(n)} of at least {count(needed)} images of <VersionTag version={version} link /> have been seen through it; until then the monitors
      that compare with it cannot tell. {expected_at ? <>At the present pace that is at <When at={expected_at} clock />.</> : "Nothing was scored in the last hour."}
    </Notice>
  );
}

function About({ baseline }: { baseline: BaselineDetail }): ReactNode {
  const { version, source, n, blank, created_at, created_by, lens_digest, embedder_digest } = baseline;
  return (
    <Facts of={[
      ["Version", <VersionTag key="version" version={version} link />],
      ["Made of", SOURCES[source] ?? humanise(source)],
      ["Served", <Span key="span" of={baseline} />],
      ["Images", `${count(n)}${blank > 0 ? `, and ${count(blank)} blank ones that were left out` : ""}`],
      ["Made", <span key="made"><When at={created_at} clock /> by {created_by}</span>],
      ["Lens", <Command key="lens">{lens_digest}</Command>],
      ["Embedder", <Command key="embedder">{embedder_digest}</Command>],
    ]} />
  );
}

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import { probeRunQuery } from "@/api/queries";
import type { ProbeRunDetail } from "@/api/types";
import { Pairs } from "@/probe/Pairs";
import { PURPOSES, RunState } from "@/probe/words";
import { useAdoptGenerator, useHref } from "@/scope/scope";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { figure, humanise } from "@/ui/words";

export default function ProbeRun(): ReactNode {
  const query = useQuery(probeRunQuery(useParams()["id"] ?? ""));
  const run = query.data;
  useAdoptGenerator(run?.generator);
  return (
    <>
      <PageHead title={run ? `Probes of v${run.version}` : "Probes"} back={{ to: "/probes", label: "Probes" }}
        lead={run && <><RunState run={run} /> {run.verdict?.summary ?? run.detail}</>} />
      <Load query={query} height={480}>
        {(one) => (
          <>
            <div style={{ display: "grid", gap: 18, gridTemplateColumns: "repeat(auto-fit, minmax(min(340px, 100%), 1fr))", alignItems: "start" }}>
              <Panel title="Held against what was stored"><Compared run={one} /></Panel>
              <Panel title="About"><About run={one} /></Panel>
            </div>
            <Pairs of={one.pairs} />
          </>
        )}
      </Load>
    </>
  );
}

function Compared({ run: { comparison, repeatability, verdict, brittleness } }: { run: ProbeRunDetail }): ReactNode {
  const drops = Object.entries(brittleness);
  if (!comparison && !repeatability && drops.length === 0)
    return <p className="soft">Nothing was compared: these outputs are what later ones are held against, or they are not judged yet.</p>;
  return (
    <Facts of={[
      ["Pairs", comparison && `${comparison.n}${comparison.missing > 0 ? `, and ${comparison.missing} without both images` : ""}`],
      ["Changed", comparison && (comparison.changed === null ? "cannot be counted: this engine does not repeat itself" : `${comparison.changed} images beyond rounding`)],
      ["Broken", comparison && comparison.broken > 0 ? `${comparison.broken} that were good` : null],
      ["Alignment", comparison && `${signed(comparison.alignment_change)} on average; chance of that with nothing worse: ${figure(comparison.p_worse)}`],
      ["Shift", comparison && `${figure(comparison.shift)}; chance of that with nothing changed: ${figure(comparison.p_changed)}`],
      ["Alarms below", verdict?.threshold != null ? figure(verdict.threshold) : null],
      ["Repeats itself", repeatability && repeats(repeatability)],
      ...drops.map(([variant, { mean, low, high, n }]): [string, ReactNode] => [
        humanise(variant), `alignment ${signed(-mean)} [${figure(-high)}, ${figure(-low)}] over ${n} wordings`,
      ]),
    ]} />
  );
}

const signed = (value: number): string => `${value > 0 ? "+" : value < 0 ? "−" : ""}${figure(Math.abs(value))}`;

const repeats = ({ pixel_max, pixel_median }: NonNullable<ProbeRunDetail["repeatability"]>): string =>
  pixel_max === 0 ? "exactly" : `to ${figure(pixel_median)} of 255 levels in the median, ${figure(pixel_max)} at most`;

function About({ run }: { run: ProbeRunDetail }): ReactNode {
  const href = useHref();
  const { purpose, version, against, fresh, replica, environment_digest, incident_id, reference_id, ordered_at, ordered_by, judged_at } = run;
  return (
    <Facts of={[
      ["Why", PURPOSES[purpose]],
      ["Version", <VersionTag key="version" version={version} link />],
      ["Against", against === null ? "its own outputs" : <VersionTag key="against" version={against} link />],
      ["Stored outputs", reference_id && <Link key="reference" to={href(`/probes/${reference_id}`)}>The run that made them</Link>],
      ["Incident", incident_id && <Link key="incident" to={href(`/incidents/${incident_id}`)}>The incident they answer</Link>],
      ["Engine", replica && `${replica}${fresh ? ", loaded afresh for this" : ""}`],
      ["Environment", environment_digest && <code key="environment">{environment_digest}</code>],
      ["Ordered", <span key="ordered"><When at={ordered_at} clock /> by {ordered_by}</span>],
      ["Judged", judged_at && <When key="judged" at={judged_at} clock />],
    ]} />
  );
}

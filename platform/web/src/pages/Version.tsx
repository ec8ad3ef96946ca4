import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import { MOST_RELEASES, releasesQuery, versionQuery } from "@/api/queries";
import type { Version as One } from "@/api/types";
import { GoTo, Standing } from "@/pages/Versions";
import { ReleaseTable } from "@/release/ReleaseTable";
import { useGenerator, useHref } from "@/scope/scope";
import { Command } from "@/ui/Command";
import { Empty } from "@/ui/Empty";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";

export default function Version(): ReactNode {
  const number = Number(useParams()["number"]);
  const { name, current } = useGenerator();
  return name ? <Body generator={name} number={number} serving={current?.serving?.version ?? null} /> : null;
}

function Body({ generator, number, serving }: { generator: string; number: number; serving: number | null }): ReactNode {
  const query = useQuery(versionQuery(generator, number));
  const version = query.data;
  return (
    <>
      <PageHead title={`v${number}`} heading={<VersionTag version={number} size="l" />} lead={version?.description} back={{ to: "/versions", label: "Versions" }}>
        {version && <GoTo version={version} serving={serving} />}
      </PageHead>
      <Load query={query} height={360}>
        {(one) => (
          <>
            <Panel title="About"><About version={one} /></Panel>
            <History generator={generator} number={number} />
            <Panel title="Manifest" aside="what the digest is made of">
              <pre style={{ margin: 0, overflowX: "auto" }} tabIndex={0} aria-label="Manifest">{JSON.stringify(one.manifest, null, 2)}</pre>
            </Panel>
          </>
        )}
      </Load>
    </>
  );
}

function About({ version }: { version: One }): ReactNode {
  const href = useHref();
  return (
    <Facts of={[
      ["Standing", <Standing key="standing" version={version} />],
      ["Digest", <Command key="digest">{version.digest}</Command>],
      ["Registered", <span key="registered"><When at={version.registered_at} clock /> by {version.registered_by}</span>],
      ["Baselines", version.baselines > 0 ? <Link key="baselines" to={href("/baselines")}>{String(version.baselines)}</Link> : <span key="none" className="row">None: monitors have nothing to compare with. <Command>{`safelight baseline make ${version.generator} ${version.number} --name first`}</Command></span>],
      ["Images", <Link key="images" to={href("/generations", { version: version.number })}>Everything it made</Link>],
    ]} />
  );
}

function History({ generator, number }: { generator: string; number: number }): ReactNode {
  const query = useQuery(releasesQuery(generator));
  return (
    <Load query={query} height={120}>
      {(releases) => {
        const mine = releases.filter(({ from_version, to_version }) => from_version === number || to_version === number);
        return (
          <Panel flush title="Releases">
            {mine.length > 0 ? <ReleaseTable releases={mine} /> : <Empty icon="releases" title={releases.length < MOST_RELEASES ? `v${number} has never been released` : `v${number} is in none of the last ${MOST_RELEASES} releases`} />}
          </Panel>
        );
      }}
    </Load>
  );
}

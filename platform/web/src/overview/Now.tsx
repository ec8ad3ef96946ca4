import type { ReactNode } from "react";
import { Link } from "react-router";

import type { GeneratorStatus } from "@/api/types";
import { WayBack } from "@/guard/WayBack";
import css from "@/overview/Now.module.css";
import { useHref } from "@/scope/scope";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { Lasting, When } from "@/ui/When";

/** The first screen's answer: what serves, since when, is it healthy and why. */
export function Now({ status }: { status: GeneratorStatus }): ReactNode {
  const href = useHref();
  const { serving } = status;
  if (!serving) return null;
  return (
    <section className={css.now} data-health={status.health} aria-label="Serving now">
      <div className={css.version}>
        <VersionTag version={serving.version} size="l" link />
        <p className={css.description}>{serving.description}</p>
        <p className={css.since}>
          Serving for <Lasting from={serving.since} />, since{" "}
          {serving.release_id ? <Link to={href(`/releases/${serving.release_id}`)}><When at={serving.since} clock /></Link> : <When at={serving.since} clock />}
          {serving.accepted ? " · known good" : " · not accepted yet"}
          {serving.external && " · by your own service"}
        </p>
        <p className={css.since}><WayBack target={status.rollback_target} /></p>
      </div>
      <div className={css.health}>
        <State of={status.health} />
        <p className={css.summary}>{status.health_summary}</p>
        <p className={css.since}><Link to={href("/monitors")}>What the monitors say</Link> · policy: {status.policy}</p>
      </div>
    </section>
  );
}

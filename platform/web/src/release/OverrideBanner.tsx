import type { ReactNode } from "react";
import { Link } from "react-router";

import { useGenerator, useHref } from "@/scope/scope";
import { Notice } from "@/ui/Notice";
import { When } from "@/ui/When";
import { humanise } from "@/ui/words";

/** On every page, until the version is accepted or replaced: it serves although it did not pass its gates. */
export function OverrideBanner(): ReactNode {
  const { current } = useGenerator();
  const href = useHref();
  const serving = current?.serving;
  if (!serving?.override) return null;
  const { by, reason, at, gates } = serving.override;
  return (
    <Notice tone="warn" title={`v${serving.version} serves by override: ${gates.map(({ gate }) => humanise(gate).toLowerCase()).join(", ")} not passed`}>
      {by} answers for it since <When at={at} />: {reason}{" "}
      {serving.release_id && <Link to={href(`/releases/${serving.release_id}`)}>The release and its gates</Link>}
    </Notice>
  );
}

import type { ReactNode } from "react";
import { Link } from "react-router";

import css from "@/incident/WorstImages.module.css";
import { contributors } from "@/incident/evidence";
import { useHref } from "@/scope/scope";
import { Panel } from "@/ui/Panel";
import { percent } from "@/ui/words";

/** The generations that the finding rests on most. The worst to look at are often others. */
export function Contributors({ evidence }: { evidence: Record<string, unknown> }): ReactNode {
  const href = useHref();
  const found = contributors(evidence);
  if (found.length === 0) return null;
  return (
    <Panel title="Images it rests on" aside="their share of the finding">
      <ul className={css.grid}>
        {found.map(({ id, share }) => (
          <li key={id}>
            <Link to={href(`/generations/${id}`)} aria-label={`Generation with ${percent(share)} of the finding`}>
              <img src={`/api/v1/generations/${id}/thumbnail`} alt="" loading="lazy" />
              <span className={css.score}>{percent(share)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

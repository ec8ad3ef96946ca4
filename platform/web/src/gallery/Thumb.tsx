import { useElementSize } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { GenerationSummary } from "@/api/types";
import { absence, flagsOf } from "@/gallery/flags";
import css from "@/gallery/Thumb.module.css";
import { useHref } from "@/scope/scope";
import { Icon } from "@/ui/Icon";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";

/** One generation among many: the image, what was asked for, and anything odd about it. */
export function Thumb({ generation }: { generation: GenerationSummary }): ReactNode {
  const href = useHref();
  const { id, prompt, version, thumbnail_url, outcome, score, created_at } = generation;
  const flags = flagsOf(generation);
  return (
    <li className={css.item}>
      <Link to={href(`/generations/${id}`)} className={css.link}>
        <span className={css.frame}>
          {thumbnail_url ? (
            <img src={thumbnail_url} alt="" loading="lazy" decoding="async" />
          ) : (
            <span className={css.missing} data-outcome={outcome}><Icon name={outcome === "failed" ? "cross" : "minus"} size={20} />{absence(outcome)}</span>
          )}
          {flags.length > 0 && <span className={css.flags}>{flags.map((flag) => <span key={flag}>{flag}</span>)}</span>}
        </span>
        <span className={css.prompt}>{prompt.trim() || <span className="muted">empty prompt</span>}</span>
        <span className={css.meta}>
          <VersionTag version={version} />
          {score?.alignment != null && <span title="Prompt alignment">{score.alignment.toFixed(2)}</span>}
          <span className="push"><When at={created_at} /></span>
        </span>
      </Link>
    </li>
  );
}

interface ThumbsProps {
  of: GenerationSummary[];
  label: string;
  /** Fill this many rows and leave the rest out: a strip on a page about something else. */
  rows?: number;
}

/** Must match the grid's columns in the style sheet. */
const COLUMN_PX = 148 + 14;
const PHONE_PX = 520;

export function Thumbs({ of, label, rows }: ThumbsProps): ReactNode {
  const { ref, width } = useElementSize();
  const columns = width < PHONE_PX ? 2 : Math.max(2, Math.floor((width + 14) / COLUMN_PX));
  const shown = rows === undefined ? of : of.slice(0, rows * columns);
  return (
    <ul ref={ref} className={css.grid} aria-label={label}>
      {shown.map((generation) => <Thumb key={generation.id} generation={generation} />)}
    </ul>
  );
}

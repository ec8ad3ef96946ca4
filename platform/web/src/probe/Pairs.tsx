import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";

import type { ProbeRunDetail } from "@/api/types";
import { absence } from "@/gallery/flags";
import css from "@/probe/Pairs.module.css";
import { useHref } from "@/scope/scope";
import { Empty } from "@/ui/Empty";
import { Panel } from "@/ui/Panel";
import { humanise } from "@/ui/words";

type Pair = ProbeRunDetail["pairs"][number];

const SHOWN = 24;

/** Where alignment was lost most first: the pairs worth looking at. */
const lost = ({ alignment, stored_alignment }: Pair): number =>
  alignment === null || stored_alignment === null ? -Infinity : stored_alignment - alignment;

/** Each probe's image beside the stored one. */
export function Pairs({ of: pairs }: { of: Pair[] }): ReactNode {
  const [all, setAll] = useState(false);
  const sorted = pairs.toSorted((a, b) => lost(b) - lost(a));
  const shown = all ? sorted : sorted.slice(0, SHOWN);
  return (
    <Panel title="Pairs" aside="stored, then made now; where most alignment was lost first">
      {pairs.length === 0 ? <Empty icon="images" title="No image yet" /> : (
        <ul className={css.pairs}>{shown.map((pair) => <One key={pair.generation_id} pair={pair} />)}</ul>
      )}
      {shown.length < pairs.length && <Button mt={14} variant="default" size="xs" onClick={() => setAll(true)}>Show all {pairs.length}</Button>}
    </Panel>
  );
}

function One({ pair }: { pair: Pair }): ReactNode {
  const { prompt, seed, variant, outcome, generation_id, thumbnail_url, alignment, stored_generation_id, stored_thumbnail_url, stored_alignment } = pair;
  return (
    <li className={css.pair}>
      <div className={css.images}>
        {stored_generation_id && <Picture id={stored_generation_id} src={stored_thumbnail_url} label={`Stored: ${prompt}`} missing="not stored" />}
        <Picture id={generation_id} src={thumbnail_url} label={`Made now: ${prompt}`} missing={absence(outcome)} />
      </div>
      <p className={css.prompt}>{prompt}</p>
      <p className={css.note}>
        {stored_alignment !== null && `${stored_alignment.toFixed(2)} → `}{alignment !== null ? alignment.toFixed(2) : "no alignment"} · seed {seed}{variant && ` · ${humanise(variant).toLowerCase()}`}
      </p>
    </li>
  );
}

function Picture({ id, src, label, missing }: { id: string; src: string | null; label: string; missing: string }): ReactNode {
  const href = useHref();
  return (
    <Link to={href(`/generations/${id}`)} className={css.frame} aria-label={label}>
      {src ? <img src={src} alt="" loading="lazy" decoding="async" /> : <span className="muted">{missing}</span>}
    </Link>
  );
}

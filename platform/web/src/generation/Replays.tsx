import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { useMakeAgain } from "@/api/actions";
import { replaysQuery } from "@/api/queries";
import type { Generation, Replay } from "@/api/types";
import { useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import css from "@/ui/JobList.module.css";
import { Failure } from "@/ui/Notice";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { figure } from "@/ui/words";

/** Making this image again of all that is recorded of it, and how like it the others came out. */
export function Replays({ generation: { id, version } }: { generation: Generation }): ReactNode {
  const { data } = useQuery(replaysQuery(id));
  const replay = useMakeAgain(id);
  const may = useMay("operate");
  return (
    <div className="stack">
      {data && data.length > 0 && <ul className={css.list}>{data.map((each) => <One key={each.id} replay={each} />)}</ul>}
      {data?.length === 0 && <p className="soft">It was never made again.</p>}
      {replay.error && <Failure error={replay.error} />}
      {may && (
        <div>
          <Button variant="default" loading={replay.isPending} onClick={() => replay.mutate(undefined)}>Replay on version {version}</Button>
        </div>
      )}
    </div>
  );
}

function One({ replay }: { replay: Replay }): ReactNode {
  const { state, version, likeness, summary, pixel_distance, made_id, error, ordered_at, ordered_by } = replay;
  const href = useHref();
  return (
    <li className={css.job}>
      <State of={likeness ?? state} />
      <div className={css.words}>
        <p>On <VersionTag version={version} />{made_id && <>: <Link to={href(`/generations/${made_id}`)}>the image</Link></>}</p>
        {(summary || error) && <p className="soft">{summary || error}</p>}
        {pixel_distance != null && <p className="soft">{figure(pixel_distance)} levels of 255 apart</p>}
        <p className="muted">Asked for <When at={ordered_at} /> by {ordered_by}</p>
      </div>
    </li>
  );
}

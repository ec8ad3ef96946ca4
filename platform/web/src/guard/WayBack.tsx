import type { ReactNode } from "react";
import { Link } from "react-router";

import type { GeneratorStatus } from "@/api/types";
import { useHref } from "@/scope/scope";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { duration } from "@/ui/words";

/** Where a rollback leads, and when that was last shown to work. */
export function WayBack({ target }: { target: GeneratorStatus["rollback_target"] }): ReactNode {
  const href = useHref();
  if (!target) return <>No way back yet: no earlier version is known to be good.</>;
  const { drill, version } = target;
  return (
    <>
      Way back: v{version}, {target.warm ? "loaded" : "not loaded"}
      {drill ? (
        <>
          {" · "}
          <Link to={href("/releases?tab=drills")}>
            <State of={drill.state}>drill {drill.state}</State>
          </Link>{" "}
          {drill.finished_at && <When at={drill.finished_at} />}
          {drill.seconds !== null && `, ${duration(drill.seconds)} from nothing`}
        </>
      ) : target.external ? null : (
        <> · <Link to={href("/releases?tab=drills")}>never drilled</Link></>
      )}
    </>
  );
}

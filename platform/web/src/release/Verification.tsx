import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { verificationQuery } from "@/api/releasing";
import css from "@/release/LedgerTable.module.css";
import { Failure } from "@/ui/Notice";
import { State } from "@/ui/State";
import { When } from "@/ui/When";
import { count, humanise } from "@/ui/words";

/** Holds the whole chain against its own hashes and its anchors, when somebody asks. */
export function Verification({ generator }: { generator: string }): ReactNode {
  const { data, error, isFetching, refetch } = useQuery(verificationQuery(generator));
  return (
    <div className={css.verify} role="status">
      <Button size="xs" variant="default" loading={isFetching} onClick={() => void refetch()}>Verify all of it</Button>
      {error && <Failure error={error} />}
      {data && (data.verified
        ? <State of="verified">Chain verified</State>
        : <State of="degraded">{`Broken at entry ${data.broken_at}: ${humanise(data.broken_because ?? "unknown").toLowerCase()}`}</State>)}
      {data && (
        <span className="soft">
          {count(data.entries)} entries,{" "}
          {data.anchors > 0 ? <>held against {count(data.anchors)} anchors, the last of <When at={data.anchored_at} clock /></> : "by its own hashes: no anchor of it was noted elsewhere"}
        </span>
      )}
    </div>
  );
}

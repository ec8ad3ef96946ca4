import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { useSwitchGuard } from "@/api/actions";
import { guardQuery } from "@/api/queries";
import { useMay } from "@/session/role";
import { Failure, Notice } from "@/ui/Notice";
import { When } from "@/ui/When";

/** On every page for as long as nothing is done automatically: who relies on the guard has to see it. */
export function StopBanner(): ReactNode {
  const { data: guard } = useQuery(guardQuery);
  const turn = useSwitchGuard();
  const may = useMay("operate");
  if (!guard?.stopped) return null;
  return (
    <Notice tone="warn" icon="alert" title="What is automatic is stopped, for every generator">
      <p>
        By {guard.by}, {guard.since && <When at={guard.since} clock />}
        {guard.reason ? `: ${guard.reason}` : ""}. Rollbacks, further steps of canaries, further scopes and edits of the registry wait for a
        person. Whoever releases does as ever, and a canary that is worse is called off.
      </p>
      {may && (
        <Button mt={8} size="xs" variant="default" loading={turn.isPending} onClick={() => turn.mutate({ stop: false, reason: "" })}>
          Let the guard act again
        </Button>
      )}
      {turn.error && <Failure error={turn.error} />}
    </Notice>
  );
}

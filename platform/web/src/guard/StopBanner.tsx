import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";

import { guardQuery } from "@/api/queries";
import { useMay } from "@/session/role";
import { Notice } from "@/ui/Notice";
import { When } from "@/ui/When";

// With the banner, the parts of a dialog would be on everybody's first screen.
const LiftDialog = lazy(() => import("@/guard/LiftDialog"));

/** On every page for as long as nothing is done automatically: who relies on the guard has to see it. */
export function StopBanner(): ReactNode {
  const { data: guard } = useQuery(guardQuery);
  const [lifting, dialog] = useDisclosure();
  const may = useMay("operate");
  if (!guard?.stopped) return null;
  return (
    <Notice tone="warn" icon="alert" title="What is automatic is stopped, for every generator">
      <p>
        By {guard.by}, {guard.since && <When at={guard.since} clock />}
        {guard.reason ? `: ${guard.reason}` : ""}. Rollbacks, further steps of canaries, further scopes and edits of the registry wait for a
        person. Whoever releases does as ever, and a canary that is worse is called off.
      </p>
      {may && <Button mt={8} size="xs" variant="default" onClick={dialog.open}>Let the guard act again</Button>}
      {lifting && <Suspense><LiftDialog onClose={dialog.close} /></Suspense>}
    </Notice>
  );
}

import { Button, Textarea } from "@mantine/core";
import type { ReactNode } from "react";

import { useApprove } from "@/api/actions";
import type { GateAnswer } from "@/api/types";
import { Gates } from "@/release/Gates";
import { useMay } from "@/session/role";
import { Icon } from "@/ui/Icon";
import { Failure, Notice } from "@/ui/Notice";

interface Props {
  answer: GateAnswer;
  override: string;
  onOverride: (reason: string) => void;
}

/** Before a promote: what the gates say now, the approval that may be given, and the way past them for who answers for it. */
export function GateCheck({ answer, override, onOverride }: Props): ReactNode {
  const { generator, version, decision, gates } = answer;
  const admin = useMay("administer");
  const approve = useApprove(generator, version);
  const unapproved = gates.some(({ gate, required, outcome }) => gate === "approval" && required && outcome === "missing");
  return (
    <>
      <Gates of={gates} />
      {decision === "wait" && <Notice tone="unknown" icon="clock">What is pending is made once it is asked for; production waits for it.</Notice>}
      {unapproved && (
        <Button variant="default" size="xs" leftSection={<Icon name="check" />} loading={approve.isPending} onClick={() => approve.mutate("")}>
          Approve v{version} for somebody else to promote
        </Button>
      )}
      {approve.error && <Failure error={approve.error} />}
      {decision === "refuse" && !admin && (
        <Notice tone="warn" icon="lock">It would be refused. Only an admin may promote it past its gates.</Notice>
      )}
      {decision === "refuse" && admin && (
        <Textarea label="Override" description="Why you answer for it whatever the gates say. It goes on the ledger and is shown on every page until the version is accepted or replaced."
          value={override} autosize minRows={1} maxLength={2000} onChange={(event) => onOverride(event.currentTarget.value)} />
      )}
    </>
  );
}

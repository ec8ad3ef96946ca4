import { Button } from "@mantine/core";
import type { ReactNode } from "react";

import { useRunMonitor } from "@/api/actions";
import { VerdictFacts } from "@/monitor/VerdictFacts";
import { Icon } from "@/ui/Icon";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { When } from "@/ui/When";

type Asking = ReturnType<typeof useRunMonitor>;

export function AskNow({ asking }: { asking: Asking }): ReactNode {
  return <Button variant="default" leftSection={<Icon name="question" />} loading={asking.isPending} onClick={() => asking.mutate()}>Ask now</Button>;
}

/** The answer to somebody who asked: for them alone. */
export function AnswerNow({ asking: { data, error } }: { asking: Asking }): ReactNode {
  if (error) return <Failure error={error} />;
  if (!data) return null;
  return (
    <Panel title="Asked just now" aside={<>kept nowhere; what it finds is acted on at the next tick · <When at={data.at} clock /></>}>
      <VerdictFacts verdict={data} />
    </Panel>
  );
}

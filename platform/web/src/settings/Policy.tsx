import { Button, Group, NumberInput, Radio, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";

import { useSetPolicy } from "@/api/actions";
import { policyQuery } from "@/api/queries";
import type { PolicyMode } from "@/api/types";
import { useMay } from "@/session/role";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";

const MODES: Record<PolicyMode, [name: string, meaning: string]> = {
  observe: ["Observe", "Open incidents and tell the channels. Nothing else."],
  recommend: ["Recommend", "Say in the incident and the message which version to go back to, and leave it to a person."],
  auto: ["Automatic", "Roll back to the last known good when the images show that a version is worse and probes confirm it, as often an hour as is allowed below."],
};

/** What may be done about an incident without asking. */
export function Policy({ generator }: { generator: string }): ReactNode {
  const query = useQuery(policyQuery(generator));
  const set = useSetPolicy(generator);
  const may = useMay("operate");
  return (
    <Panel title={`When a monitor of ${generator} says degraded`}>
      <Load query={query} height={140}>
        {({ mode, most_per_hour }) => (
          <Stack gap="md">
            <Radio.Group value={mode} onChange={(next) => set.mutate({ mode: next as PolicyMode })} aria-label="Policy"
              description={may ? undefined : "Changing it takes an operator's key."}>
              <Stack gap="sm" mt={4}>
                {(Object.keys(MODES) as PolicyMode[]).map((value) => (
                  <Radio key={value} value={value} label={MODES[value][0]} description={MODES[value][1]} disabled={!may || set.isPending} />
                ))}
              </Stack>
            </Radio.Group>
            <MostPerHour key={most_per_hour} kept={most_per_hour ?? 1} may={may} busy={set.isPending} onKeep={(most) => set.mutate({ mode, most_per_hour: most })} />
            {set.error && <Failure error={set.error} />}
          </Stack>
        )}
      </Load>
    </Panel>
  );
}

interface Most {
  kept: number;
  may: boolean;
  busy: boolean;
  onKeep: (most: number) => void;
}

/** Kept once it is said to be: a number that is being typed is another one at every key. */
function MostPerHour({ kept, may, busy, onKeep }: Most): ReactNode {
  const [most, setMost] = useState<number | string>(kept);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (typeof most === "number") onKeep(most);
  };
  return (
    <form onSubmit={submit}>
      <Group align="end" gap="xs">
        <NumberInput label="Automatic rollbacks an hour, at most" w={280} min={1} max={10} allowDecimal={false} clampBehavior="strict"
          disabled={!may} value={most} onChange={setMost} />
        <Button type="submit" variant="default" disabled={!may || typeof most !== "number" || most === kept} loading={busy}>Keep</Button>
      </Group>
    </form>
  );
}

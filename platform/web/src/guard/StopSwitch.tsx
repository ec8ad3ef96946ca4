import { Button, Group, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";

import { useSwitchGuard } from "@/api/actions";
import { guardQuery } from "@/api/queries";
import { useMay } from "@/session/role";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";

/** One switch for all generators. Turning it back on is on the banner, which every page then shows. */
export function StopSwitch(): ReactNode {
  const query = useQuery(guardQuery);
  const turn = useSwitchGuard();
  const may = useMay("operate");
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    turn.mutate({ stop: true, reason }, { onSuccess: () => setReason("") });
  };
  return (
    <Panel title="Stop switch" aside="for every generator">
      <Load query={query} height={80}>
        {({ stopped }) =>
          stopped ? (
            <p>It is on: no generator is changed automatically until somebody lets the guard act again.</p>
          ) : (
            <form onSubmit={submit}>
              <p>It takes effect at once and holds for every generator. What a person does is not affected.</p>
              <Group mt={10} align="end">
                <TextInput label="Reason" description="It goes on the audit log." value={reason} maxLength={2000} disabled={!may}
                  onChange={(event) => setReason(event.currentTarget.value)} />
                <Button type="submit" color="var(--bad-solid)" disabled={!may} loading={turn.isPending}>Stop what is automatic</Button>
              </Group>
              {turn.error && <Failure error={turn.error} />}
            </form>
          )
        }
      </Load>
    </Panel>
  );
}

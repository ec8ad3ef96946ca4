import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useNavigate, useParams } from "react-router";

import { PolicyDryRun } from "@/guard/PolicyDryRun";
import { StopSwitch } from "@/guard/StopSwitch";
import { useGenerator, useHref } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Channels } from "@/settings/Channels";
import { Keys } from "@/settings/Keys";
import { Notifications } from "@/settings/Notifications";
import { Policy } from "@/settings/Policy";
import { Notice } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";

const TABS = ["policy", "notifications", "keys"];

export default function Settings(): ReactNode {
  const asked = useParams()["tab"] ?? "";
  const tab = TABS.includes(asked) ? asked : "policy";
  const navigate = useNavigate();
  const href = useHref();
  const { name } = useGenerator();
  const admin = useMay("administer");
  return (
    <>
      <PageHead title="Settings" />
      <Tabs value={tab} onChange={(next) => void navigate(href(`/settings/${next}`))} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="policy">Policy</Tabs.Tab>
          <Tabs.Tab value="notifications">Notifications</Tabs.Tab>
          <Tabs.Tab value="keys">Keys</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="policy" pt="md">
          {name && <div className="stack" key={name}><Policy generator={name} /><PolicyDryRun generator={name} /><StopSwitch /></div>}
        </Tabs.Panel>
        <Tabs.Panel value="notifications" pt="md"><div className="stack"><Channels /><Notifications /></div></Tabs.Panel>
        <Tabs.Panel value="keys" pt="md">
          {admin ? <Keys /> : <Notice tone="unknown" icon="lock">Seeing and making keys takes an admin's key.</Notice>}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

import { ActionIcon, Button, Menu, Tooltip, useMantineColorScheme } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useNavigate } from "react-router";

import { ask, client } from "@/api/client";
import { sessionQuery } from "@/api/queries";
import { Freshness } from "@/live/Freshness";
import { useHeaderRollback } from "@/release/ReleaseDialogs";
import { useGenerator, useHref, useSwitchGenerator } from "@/scope/scope";
import css from "@/shell/Header.module.css";
import { Icon } from "@/ui/Icon";
import { Failure } from "@/ui/Notice";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { Lasting } from "@/ui/When";
import { humanise } from "@/ui/words";

/** On every page: what serves, is it healthy, is this live, and the way back. */
export function Header({ onHelp }: { onHelp: () => void }): ReactNode {
  return (
    <header className={css.header}>
      <img className={css.mark} src="/lamp.svg" alt="" width={24} height={24} />
      <GeneratorSwitch />
      <Serving />
      <div className={css.end}>
        <Freshness />
        <Account onHelp={onHelp} />
      </div>
      <RollbackButton />
    </header>
  );
}

function GeneratorSwitch(): ReactNode {
  const { all, name } = useGenerator();
  const choose = useSwitchGenerator();
  if (!name) return <span className={css.generator} />;
  if (all.length === 1) return <span className={css.generator}>{name}</span>;
  return (
    <Menu position="bottom-start" width={240}>
      <Menu.Target>
        <Button className={css.switch} variant="default" size="xs" rightSection={<Icon name="chevron" size={14} />} aria-label={`Generator: ${name}`}>
          {name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Generators</Menu.Label>
        {all.map((one) => (
          <Menu.Item key={one.name} onClick={() => choose(one.name)} rightSection={<State of={one.health} />}>{one.name}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Serving(): ReactNode {
  const { current } = useGenerator();
  const href = useHref();
  if (!current) return null;
  const { serving, health, health_summary, open_release } = current;
  return (
    <div className={css.serving}>
      {serving ? (
        <>
          <VersionTag version={serving.version} link />
          <span className={css.since}>for <Lasting from={serving.since} /></span>
          <Tooltip label={health_summary} multiline maw={340}>
            <Link to={href("/monitors")} className={css.health}><State of={health} /></Link>
          </Tooltip>
        </>
      ) : (
        <span className="soft">Nothing serves yet</span>
      )}
      {open_release && (
        <Link to={href(`/releases/${open_release.id}`)} className={css.health}>
          <State of={open_release.state}><span className={css.kind}>{humanise(open_release.kind)} to </span>v{open_release.to_version}</State>
        </Link>
      )}
    </div>
  );
}

function RollbackButton(): ReactNode {
  const { current } = useGenerator();
  const open = useHeaderRollback();
  if (!current?.serving) return null;
  const target = current.rollback_target?.version;
  if (!open)
    return (
      <Tooltip label="No earlier version is known to be good. Choose one on the versions page." multiline maw={260}>
        <Button className={css.rollback} size="xs" variant="default" data-disabled aria-disabled>No way back yet</Button>
      </Tooltip>
    );
  const urgent = current.health === "degraded";
  return (
    <Button className={css.rollback} size="xs" variant={urgent ? "filled" : "default"} {...(urgent ? { color: "var(--bad-solid)" } : {})}
      leftSection={<Icon name="rollback" size={15} />} onClick={open}>
      Roll back to v{target}
    </Button>
  );
}

function Account({ onHelp }: { onHelp: () => void }): ReactNode {
  const { data: session } = useQuery(sessionQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const logOut = useMutation({
    mutationFn: () => ask(client.DELETE("/api/v1/session")),
    onSuccess: async () => {
      cache.clear();
      await navigate("/login");
    },
  });
  return (
    <Menu position="bottom-end" width={210}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" c="var(--ink-2)" aria-label="Account and appearance"><Icon name="person" size={18} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session ? `${session.name}, ${session.role}` : ""}</Menu.Label>
        <Menu.Item closeMenuOnClick={false} onClick={() => logOut.mutate()}>Log out</Menu.Item>
        {logOut.error && <Failure error={logOut.error} />}
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        {(["auto", "light", "dark"] as const).map((scheme) => (
          <Menu.Item key={scheme} onClick={() => setColorScheme(scheme)}
            rightSection={colorScheme === scheme ? <Icon name="check" size={14} /> : null}>
            {scheme === "auto" ? "As the system" : humanise(scheme)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="keyboard" />} rightSection={<kbd>?</kbd>} onClick={onHelp}>Shortcuts</Menu.Item>
        <Menu.Item component="a" href="/docs">API reference</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

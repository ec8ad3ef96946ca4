import { Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import { useNavigate } from "react-router";

import { versionsQuery } from "@/api/queries";
import { useHeaderRollback } from "@/release/ReleaseDialogs";
import { useGenerator, useHref, useSwitchGenerator } from "@/scope/scope";
import css from "@/shell/Palette.module.css";
import { PLACES } from "@/shell/places";
import { Icon, type IconName } from "@/ui/Icon";

interface Command {
  name: string;
  note: string;
  icon: IconName;
  run: () => void;
}

function useCommands(): Command[] {
  const navigate = useNavigate();
  const href = useHref();
  const { all, name, current } = useGenerator();
  const choose = useSwitchGenerator();
  const rollback = useHeaderRollback();
  const versions = useQuery({ ...versionsQuery(name ?? ""), enabled: name !== undefined }).data ?? [];
  const go = (path: string) => () => void navigate(href(path));
  return [
    ...PLACES.map(({ path, name: place, icon }) => ({ name: place, note: "page", icon, run: go(path) })),
    ...(rollback
      ? [{ name: `Roll back to v${current?.rollback_target?.version}`, note: "opens the dialog", icon: "rollback" as const, run: rollback }]
      : []),
    ...versions.map(({ number, description }) => ({
      name: `v${number}`, note: description, icon: "versions" as const, run: go(`/versions/${number}`),
    })),
    ...all.filter((one) => one.name !== name).map((one) => ({
      name: one.name, note: "generator", icon: "engine" as const, run: () => choose(one.name),
    })),
  ];
}

const matches = ({ name, note }: Command, wanted: string): boolean =>
  wanted.toLowerCase().split(/\s+/).every((word) => `${name} ${note}`.toLowerCase().includes(word));

export default function Palette({ onClose }: { onClose: () => void }): ReactNode {
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const commands = useCommands().filter((command) => matches(command, wanted));
  const chosen = Math.min(at, commands.length - 1);
  useEffect(() => void document.getElementById(`${list}-${chosen}`)?.scrollIntoView({ block: "nearest" }), [list, chosen]);

  const run = (command: Command | undefined): void => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((chosen + step + commands.length) % Math.max(1, commands.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(commands[chosen]);
    }
  };

  return (
    <Modal.Root opened onClose={onClose} size="md" yOffset="14vh" centered={false}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Title className="visually-hidden">Go to</Modal.Title>
        <TextInput data-autofocus size="md" variant="unstyled" classNames={{ root: css.field }} leftSection={<Icon name="search" />}
          placeholder="Go to a page, a version, a generator" aria-label="Go to" role="combobox" aria-expanded aria-controls={list}
          aria-activedescendant={commands.length ? `${list}-${chosen}` : undefined} value={wanted} onKeyDown={onKeyDown}
          onChange={(event) => {
            setWanted(event.currentTarget.value);
            setAt(0);
          }} />
        <div id={list} role="listbox" aria-label="Places" className={css.list}>
          {commands.map((command, i) => (
            <div key={`${command.note}/${command.name}`} id={`${list}-${i}`} role="option" aria-selected={i === chosen} className={css.option}
              onClick={() => run(command)} onPointerMove={() => setAt(i)}>
              <Icon name={command.icon} />
              <span className={css.name}>{command.name}</span>
              <span className={css.note}>{command.note}</span>
            </div>
          ))}
        </div>
        {commands.length === 0 && <p className={css.none}>Nothing is called that.</p>}
      </Modal.Content>
    </Modal.Root>
  );
}

import { Kbd } from "@mantine/core";
import type { ReactNode } from "react";

import css from "@/shell/Help.module.css";
import { PLACES } from "@/shell/places";
import { Dialog } from "@/ui/Dialog";

const KEYS: [string[], string][] = [
  [["?"], "This list"],
  [["Shift", "R"], "Open the rollback; nothing happens before you confirm"],
  [["Ctrl", "K"], "Go anywhere by name"],
  [["t"], "Choose the time range"],
  [["f"], "Freeze the time range in the link"],
  ...PLACES.map(({ key, name }): [string[], string] => [["g", key], name]),
];

export default function Help({ onClose }: { onClose: () => void }): ReactNode {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} size="sm">
      <dl className={css.keys}>
        {KEYS.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>{keys.map((key) => <Kbd key={key}>{key}</Kbd>)}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

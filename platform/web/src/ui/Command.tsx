import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";

import css from "@/ui/Command.module.css";
import { Icon } from "@/ui/Icon";

/** Something to copy whole: a command, a key that is shown once, a digest. */
export function Command({ children }: { children: string }): ReactNode {
  return (
    <span className={css.command}>
      <code>{children}</code>
      {/* A page from a plain http address may not write to the clipboard: a tap on the words selects them all. */}
      {"clipboard" in navigator && (
        <CopyButton value={children}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? "Copied" : "Copy"}>
              <ActionIcon variant="subtle" size="sm" aria-label={copied ? "Copied" : `Copy ${children}`} onClick={copy}>
                <Icon name={copied ? "check" : "copy"} size={14} />
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      )}
    </span>
  );
}

import type { ReactNode } from "react";

import { Command } from "@/ui/Command";
import css from "@/ui/Empty.module.css";
import { Icon, type IconName } from "@/ui/Icon";

interface Props {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  command?: string;
}

/** Nothing to show, and why: no data yet, no match, or good news. Where a command brings some, it is there to copy. */
export function Empty({ icon = "minus", title, children, command }: Props): ReactNode {
  return (
    <div className={css.empty}>
      <span className={css.icon}><Icon name={icon} size={20} /></span>
      <p className={css.title}>{title}</p>
      {children && <div className={css.words}>{children}</div>}
      {command && <Command>{command}</Command>}
    </div>
  );
}

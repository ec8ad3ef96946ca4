import { type ReactNode, useId } from "react";

import css from "@/ui/Panel.module.css";

interface Props {
  title: ReactNode;
  aside?: ReactNode;
  /** Contents reach the edges: tables and charts. */
  flush?: boolean;
  children: ReactNode;
}

export function Panel({ title, aside, flush = false, children }: Props): ReactNode {
  const id = useId();
  return (
    <section className={css.panel} aria-labelledby={id}>
      <header className={css.head}>
        <h2 id={id}>{title}</h2>
        {aside && <div className={css.aside}>{aside}</div>}
      </header>
      <div className={flush ? css.flush : css.body}>{children}</div>
    </section>
  );
}

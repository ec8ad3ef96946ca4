import { type ReactNode, useEffect } from "react";
import { Link } from "react-router";

import { useHref } from "@/scope/scope";
import { Icon } from "@/ui/Icon";
import css from "@/ui/PageHead.module.css";

interface Props {
  /** Plain words: it also names the browser's tab. */
  title: string;
  /** What is shown in its place, where more than words is wanted. */
  heading?: ReactNode;
  back?: { to: string; label: string };
  lead?: ReactNode;
  children?: ReactNode;
}

export function PageHead({ title, heading, back, lead, children }: Props): ReactNode {
  const href = useHref();
  useEffect(() => {
    document.title = `${title} · Safelight`;
  }, [title]);
  return (
    <div className={css.head}>
      <div className={css.words}>
        {back && <Link className={css.back} to={href(back.to)}><Icon name="left" size={13} />{back.label}</Link>}
        <h1>{heading ?? title}</h1>
        {lead && <p className={css.lead}>{lead}</p>}
      </div>
      {children && <div className={css.tools}>{children}</div>}
    </div>
  );
}

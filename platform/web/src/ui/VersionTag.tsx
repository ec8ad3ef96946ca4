import type { ReactNode } from "react";
import { Link } from "react-router";

import { useHref } from "@/scope/scope";
import css from "@/ui/VersionTag.module.css";

/** The token a version is painted with, on every page and chart. */
export const versionColor = (version: number): string => `--v${((version % 8) + 8) % 8}`;

interface Props {
  version: number | null | undefined;
  link?: boolean;
  size?: "s" | "l";
}

export function VersionTag({ version, link = false, size = "s" }: Props): ReactNode {
  const href = useHref();
  if (version === null || version === undefined) return <span className="muted">nothing</span>;
  const tag = (
    <span className={css.tag} data-size={size}>
      <span className={css.swatch} style={{ background: `var(${versionColor(version)})` }} aria-hidden />v{version}
    </span>
  );
  return link ? <Link className={css.link} to={href(`/versions/${version}`)}>{tag}</Link> : tag;
}

/** What a release changes: from one version to the other. */
export function Change({ from, to, size = "s" }: { from: number | null; to: number; size?: "s" | "l" }): ReactNode {
  return (
    <span className={css.change}>
      <VersionTag version={from} size={size} />
      <span aria-hidden>→</span>
      <span className="visually-hidden">to</span>
      <VersionTag version={to} size={size} />
    </span>
  );
}

import { Button } from "@mantine/core";
import type { ReactNode } from "react";

import { Problem } from "@/api/problem";
import { Icon, type IconName } from "@/ui/Icon";
import css from "@/ui/Notice.module.css";
import type { Tone } from "@/ui/State";

interface Props {
  tone: Tone;
  icon?: IconName;
  title?: string;
  children: ReactNode;
}

export function Notice({ tone, icon = "alert", title, children }: Props): ReactNode {
  return (
    <div className={css.notice} data-tone={tone} role={tone === "bad" ? "alert" : undefined}>
      <Icon name={icon} size={17} />
      <div className={css.words}>
        {title && <p className={css.title}>{title}</p>}
        {children}
      </div>
    </div>
  );
}

/** A failed request, in the API's own words. Its code goes with it: that is what a bug report needs. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }): ReactNode {
  return (
    <Notice tone="bad">
      <p>{error.message}</p>
      {error instanceof Problem && error.status > 0 && <p className={css.code}>{error.code}</p>}
      {retry && <Button mt={8} size="xs" variant="default" onClick={retry}>Try again</Button>}
    </Notice>
  );
}

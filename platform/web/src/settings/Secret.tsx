import { Button } from "@mantine/core";
import type { ReactNode } from "react";

import { Command } from "@/ui/Command";
import { Dialog } from "@/ui/Dialog";

/** A secret, the one time it is shown. It closes by its button alone, so that no stray tap loses it. */
export function Secret({ title, children, onClose }: { title: string; children: string; onClose: () => void }): ReactNode {
  return (
    <Dialog sticky title={title} onClose={onClose} actions={<Button onClick={onClose}>I have copied it</Button>}>
      <p>Copy it now: it is not shown again.</p>
      <Command>{children}</Command>
    </Dialog>
  );
}

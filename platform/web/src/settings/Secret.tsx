import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";

import { Command } from "@/ui/Command";

/** A secret, the one time it is shown. It closes by its button alone, so that no stray tap loses it. */
export function Secret({ title, children, onClose }: { title: string; children: string; onClose: () => void }): ReactNode {
  return (
    <Modal opened onClose={onClose} title={title} closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
      <Stack gap="md">
        <p>Copy it now: it is kept only as a fingerprint, or sealed, and is not shown again.</p>
        <Command>{children}</Command>
        <Group justify="flex-end"><Button onClick={onClose}>I have copied it</Button></Group>
      </Stack>
    </Modal>
  );
}

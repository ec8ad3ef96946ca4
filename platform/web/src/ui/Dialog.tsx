import { Modal } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";

import css from "@/ui/Dialog.module.css";

interface Props {
  title: string;
  onClose: () => void;
  /** Makes it a form: Enter confirms. */
  onSubmit?: () => void;
  /** Closes by its own buttons alone. */
  sticky?: boolean;
  size?: string;
  children: ReactNode;
  /** Buttons, the confirming one last. */
  actions?: ReactNode;
}

export function Dialog({ title, onClose, onSubmit, sticky = false, size = "md", children, actions }: Props): ReactNode {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit?.();
  };
  const Form = onSubmit ? "form" : "div";
  // Put together by hand, because Mantine's header would be a second banner landmark on the page.
  return (
    <Modal.Root opened onClose={onClose} size={size} closeOnClickOutside={!sticky} closeOnEscape={!sticky}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          <Form className={css.body} {...(onSubmit ? { onSubmit: submit } : {})}>
            <div className={css.head}>
              <Modal.Title className={css.title}>{title}</Modal.Title>
              {!sticky && <Modal.CloseButton aria-label="Close" />}
            </div>
            {children}
            {actions && <div className={css.actions}>{actions}</div>}
          </Form>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

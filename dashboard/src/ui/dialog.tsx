/** A window over the page; focus stays inside and returns to where it was. */
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Button, IconButton } from "./button";
import css from "./dialog.module.css";

export interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Dialog({ title, isOpen, onClose, children }: DialogProps) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={css["backdrop"]} />
        <Base.Popup className={css["popup"]}>
          <header className={css["head"]}>
            <Base.Title className={css["title"]}>{title}</Base.Title>
            <Base.Close render={<IconButton label="Close" />}>
              <X size={16} aria-hidden />
            </Base.Close>
          </header>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

export interface ConfirmProps {
  title: string;
  /** What will happen, and whether it can be undone. */
  children: ReactNode;
  /** The verb on the button: "Revoke". */
  verb: string;
  isOpen: boolean;
  isBusy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something is done that can't be undone. */
export function Confirm({ title, children, verb, isOpen, isBusy = false, ...on }: ConfirmProps) {
  return (
    <Dialog title={title} isOpen={isOpen} onClose={on.onClose}>
      <div>{children}</div>
      <DialogActions>
        <Button onClick={on.onClose}>Keep it</Button>
        <Button kind="danger" isBusy={isBusy} onClick={on.onConfirm}>
          {verb}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <footer className={css["actions"]}>{children}</footer>;
}

/** A window over the page; focus stays inside and returns to where it was. */
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Button } from "./button";
import css from "./dialog.module.css";

const Window = lazy(() => import("./dialog-window"));

export interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Dialog(props: DialogProps) {
  // Once it was open it stays, closed: that is how it gives the focus back.
  const [wasOpen, setWasOpen] = useState(false);
  if (props.isOpen && !wasOpen) setWasOpen(true);
  return <Suspense fallback={null}>{(props.isOpen || wasOpen) && <Window {...props} />}</Suspense>;
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

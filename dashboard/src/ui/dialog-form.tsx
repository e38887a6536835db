/** A form in a dialog: its fields, what is wrong besides them, and the button that sends it. */
import type { ReactNode, SubmitEvent } from "react";
import { Button } from "./button";
import { DialogActions } from "./dialog";
import css from "./dialog.module.css";
import { Notice } from "./panel";

export interface DialogFormProps {
  /** The verb on the button: "Mint". */
  verb: string;
  isBusy: boolean;
  /** That it failed, and why where no field says it. */
  failed: string;
  fault: string | undefined;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function DialogForm({ verb, isBusy, failed, fault, children, ...on }: DialogFormProps) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    on.onSubmit();
  };
  return (
    <form onSubmit={submit} className={css["form"]}>
      {fault && (
        <Notice tone="bad" title={failed}>
          {fault}
        </Notice>
      )}
      {children}
      <DialogActions>
        <Button onClick={on.onClose}>Cancel</Button>
        <Button type="submit" kind="primary" isBusy={isBusy}>
          {verb}
        </Button>
      </DialogActions>
    </form>
  );
}

/** Short fields beside each other, where there is room. */
export function FieldRow({ children }: { children: ReactNode }) {
  return <div className={css["fields"]}>{children}</div>;
}

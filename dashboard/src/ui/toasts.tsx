/** Short notices in the corner: what failed, and what was done. Screen readers hear them. */
import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { PurasAPIError } from "puras";
import { told } from "../api/refusal";
import css from "./toasts.module.css";

const toasts = Toast.createToastManager();

/** Tell of a failure; the same one again takes the place of the first. It stays until closed. */
export function tellFailure(error: unknown, title = "That did not work"): void {
  const description = told(error);
  const request = error instanceof PurasAPIError ? error.requestId : undefined;
  toasts.add({
    id: `${title} ${description}`,
    type: "failure",
    priority: "high",
    timeout: 0,
    title,
    description: request ? `${description} (request ${request})` : description,
  });
}

/** Tell of something that was done. */
export function tellDone(title: string, description?: string): void {
  toasts.add({ type: "done", title, description });
}

export function Toasts() {
  return (
    <Toast.Provider toastManager={toasts} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className={css["viewport"]}>
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts: shown } = Toast.useToastManager();
  return shown.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={css["toast"]}>
      <Toast.Content>
        <Toast.Title className={css["title"]} />
        <Toast.Description className={css["description"]} />
      </Toast.Content>
      <Toast.Close className={css["close"]} aria-label="Close">
        <X size={16} aria-hidden />
      </Toast.Close>
    </Toast.Root>
  ));
}

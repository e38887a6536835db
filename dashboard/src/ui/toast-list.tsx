/** The notices in the corner. */
import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import css from "./toasts.module.css";

export const toasts = Toast.createToastManager();

/** Resolves once the list listens: what is told before would be lost. */
export const listening = Promise.withResolvers<void>();

export default function ToastList() {
  useEffect(() => listening.resolve(), []);
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

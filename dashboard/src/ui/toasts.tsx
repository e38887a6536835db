/**
 * Short notices in the corner: what failed, and what was done. Screen readers hear them. They are
 * loaded behind the first page, before anybody needs them.
 */
import { PurasAPIError } from "puras";
import { lazy, Suspense } from "react";
import { told } from "../api/refusal";

const load = () => import("./toast-list");
const List = lazy(load);

/** Tell of a failure; the same one again takes the place of the first. It stays until closed. */
export function tellFailure(error: unknown, title = "That did not work"): void {
  const description = told(error);
  const request = error instanceof PurasAPIError ? error.requestId : undefined;
  add({
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
  add({ type: "done", title, description });
}

export function Toasts() {
  return (
    <Suspense fallback={null}>
      <List />
    </Suspense>
  );
}

interface Told {
  id?: string;
  type: "failure" | "done";
  priority?: "high";
  timeout?: number;
  title: string;
  description: string | undefined;
}

function add(notice: Told): void {
  load().then(
    ({ toasts, listening }) => void listening.promise.then(() => toasts.add(notice)),
    // Not even this could be loaded: it is told all the same.
    () => window.alert(`${notice.title}: ${notice.description ?? ""}`),
  );
}

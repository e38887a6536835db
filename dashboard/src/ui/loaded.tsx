/** What a query gave: the thing, or that it is on its way, or why it is not here. */
import type { ReactNode } from "react";
import { told } from "../api/refusal";
import { Button } from "./button";
import css from "./loaded.module.css";
import { Notice } from "./panel";

/** As much of a query, or of a list's, as is needed here. */
export interface Reading<Data> {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly isError: boolean;
  readonly refetch: () => unknown;
}

export interface LoadedProps<Data> {
  query: Reading<Data>;
  /** What is loading, for screen readers: "the jobs". */
  what: string;
  children: (data: Data) => ReactNode;
}

/** Show what was read. What is shown stays while it is read again, also where that fails. */
export function Loaded<Data>({ query, what, children }: LoadedProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading what={what} />;
}

/** Lines that stand for what will be here. They are not shown for what comes at once. */
export function Loading({ what }: { what: string }) {
  return (
    <div role="status" className={css["loading"]}>
      <span className="visually-hidden">Loading {what}</span>
      <span className={css["line"]} aria-hidden />
      <span className={css["line"]} aria-hidden />
      <span className={css["line"]} aria-hidden />
    </div>
  );
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Notice tone="bad" title="This could not be loaded">
      <p>{told(error)}</p>
      {onRetry && (
        <p className={css["retry"]}>
          <Button onClick={onRetry}>Try again</Button>
        </p>
      )}
    </Notice>
  );
}

/** A part of a page, with a heading of its own. */
import { type ReactNode, useId } from "react";
import css from "./panel.module.css";

export interface PanelProps {
  title: ReactNode;
  /** Buttons beside the heading. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Panel({ title, actions, children }: PanelProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={css["panel"]}>
      <header className={css["head"]}>
        <h2 id={id}>{title}</h2>
        {actions && <div className={css["actions"]}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** Says that there is nothing, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css["empty"]}>
      <p className={css["emptyTitle"]}>{title}</p>
      {children && <div>{children}</div>}
    </div>
  );
}

/** A thing to note: an explanation, a warning, a failure. */
export function Notice(props: {
  tone?: "info" | "warn" | "bad";
  title?: string;
  children?: ReactNode;
}) {
  const { tone = "info", title, children } = props;
  return (
    <div className={css["notice"]} data-tone={tone} role={tone === "bad" ? "alert" : undefined}>
      {title && <p className={css["noticeTitle"]}>{title}</p>}
      {children && <div>{children}</div>}
    </div>
  );
}

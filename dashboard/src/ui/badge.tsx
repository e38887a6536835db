/** A short word about a thing: its status, its kind. Colour never says it alone. */
import type { ReactNode } from "react";
import css from "./badge.module.css";
import { classes } from "./button";

export type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={classes(css["badge"], css[tone])}>{children}</span>;
}

const TONES: Readonly<Record<string, Tone>> = {
  queued: "neutral",
  running: "accent",
  succeeded: "good",
  failed: "bad",
  cancelled: "warn",
};

/** A job's status, by its name on the wire. */
export function Status({ status }: { status: string }) {
  return (
    <Badge tone={TONES[status] ?? "neutral"}>
      <span className={css["dot"]} data-live={status === "running" || undefined} aria-hidden />
      {status}
    </Badge>
  );
}

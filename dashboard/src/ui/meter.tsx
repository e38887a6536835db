/** Bars: how far something is, and how much of something is used. */
import css from "./meter.module.css";

/** How far a run is; without a fraction it only shows that it goes on. */
export function Progress({ label, fraction }: { label: string; fraction: number | undefined }) {
  return <progress aria-label={label} value={fraction} max={1} className={css["progress"]} />;
}

/** How much of a limit is used; `text` says it in figures. */
export function Meter({ label, text, used }: { label: string; text: string; used: number }) {
  const share = Math.max(0, Math.min(1, used));
  return (
    <span className={css["meter"]}>
      <meter aria-label={label} value={share} high={0.8} max={1}>
        {text}
      </meter>
      <span className={css["text"]}>{text}</span>
    </span>
  );
}

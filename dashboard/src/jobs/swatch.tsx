/** A color, and its digits. */
import css from "./result.module.css";

export function Swatch({ color, text }: { color: string | undefined; text: string }) {
  return (
    <span className={css["swatch"]}>
      {color && <span aria-hidden style={{ background: color }} />}
      <code>{text}</code>
    </span>
  );
}

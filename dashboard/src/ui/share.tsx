/** A bar inside of a table's cell that shows how a figure compares with the largest. */
import css from "./share.module.css";

export function Share({ of, largest }: { of: number; largest: number }) {
  const width = largest > 0 ? Math.max(0, Math.min(1, of / largest)) * 100 : 0;
  return (
    <svg aria-hidden="true" className={css["share"]} viewBox="0 0 100 8" preserveAspectRatio="none">
      <rect width={100} height={8} className={css["ground"]} />
      <rect width={width > 0 ? Math.max(1, width) : 0} height={8} className={css["part"]} />
    </svg>
  );
}

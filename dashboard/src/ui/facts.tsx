/** Short facts, each with its name. */
import type { ReactNode } from "react";
import css from "./facts.module.css";

export interface Fact {
  readonly name: string;
  readonly value: ReactNode;
}

/** Facts side by side, as many as fit. One whose value is undefined or null is left out. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={css["facts"]}>
      {facts.map(({ name, value }) =>
        value === undefined || value === null ? null : (
          <div key={name} className={css["fact"]}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** A figure that matters, large, with what it is below. */
export function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css["figure"]}>
      <p className={css["large"]}>{children}</p>
      <p className={css["name"]}>{name}</p>
    </div>
  );
}

export function Figures({ children }: { children: ReactNode }) {
  return <div className={css["figures"]}>{children}</div>;
}

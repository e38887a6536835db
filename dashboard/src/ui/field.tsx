/**
 * A labelled control, with what it is for and what is wrong with it. The control is given the ids
 * that tie the three together: `<Field label="Name">{(ties) => <Input {...ties} />}</Field>`.
 */
import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "./button";
import css from "./field.module.css";

export interface Ties {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
  "aria-required": true | undefined;
}

export interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  /** What is wrong with the value, in a sentence. */
  fault?: string | undefined;
  isRequired?: boolean;
  children: (ties: Ties) => ReactNode;
}

export function Field({ label, hint, fault, isRequired = false, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div className={css["field"]}>
      <label htmlFor={id} className={css["label"]}>
        {label}
        {isRequired && <Required />}
      </label>
      {children({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": fault ? true : undefined,
        "aria-required": isRequired || undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className={css["hint"]}>
          {hint}
        </p>
      )}
      <Fault id={`${id}-fault`} text={fault} />
    </div>
  );
}

/** What is wrong, beside what is wrong. */
export function Fault({ id, text }: { id?: string; text: string | undefined }) {
  if (!text) return null;
  return (
    <p id={id} className={css["fault"]}>
      {text}
    </p>
  );
}

export function Required() {
  return (
    <span className={css["required"]} aria-hidden>
      required
    </span>
  );
}

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...rest} className={classes(css["control"], className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea {...rest} className={classes(css["control"], css["area"], className)} />;
}

export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select {...rest} className={classes(css["control"], css["select"], className)} />;
}

/** A box to tick, with its label behind it. */
export function Checkbox({ label, ...rest }: ComponentProps<"input"> & { label: ReactNode }) {
  return (
    <label className={css["checkbox"]}>
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  );
}

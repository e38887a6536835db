/**
 * The form of a skill's inputs. What is wrong is told at its field, and above all of them, where it
 * is announced and leads to the field.
 */
import { type KeyboardEvent, type SubmitEvent, useEffect, useId, useRef, useState } from "react";
import type { Fault } from "wire";
import { Button } from "../ui/button";
import { Notice } from "../ui/panel";
import css from "./form.module.css";
import { FormContext } from "./form-context";
import { JsonField } from "./json-field";
import { Members } from "./object-field";
import { fieldOf, type Node } from "./schema";
import { SchemaField } from "./schema-field";
import { faultsOf, placed } from "./values";

export interface InputFormProps {
  schema: Node;
  /** What it begins with. */
  start: unknown;
  /** What the server found wrong with what was sent. */
  serverFaults: readonly Fault[];
  isBusy: boolean;
  /** Why it can't be sent at all, in place of the button. */
  children?: React.ReactNode;
  onRun: (inputs: Node) => void;
}

export function InputForm({
  schema,
  start,
  serverFaults,
  isBusy,
  children,
  onRun,
}: InputFormProps) {
  const [value, setValue] = useState(start);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const form = useRef<HTMLFormElement>(null);
  const field = fieldOf(schema, schema);
  useEffect(() => setFaults(serverFaults), [serverFaults]);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const found = faultsOf(schema, schema, { value: value ?? {} });
    setFaults(found);
    if (found.length === 0 && !isBusy) onRun((value ?? {}) as Node);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.current?.requestSubmit();
    }
  };
  const props = { path: "$", isRequired: true, value, onChange: setValue };
  return (
    <FormContext value={{ root: schema, faults, Control: SchemaField }}>
      <form ref={form} noValidate onSubmit={submit} onKeyDown={onKeyDown} className={css["form"]}>
        <Summary faults={faults} form={form} />
        {field.kind === "object" ? (
          <Members {...props} schema={schema} field={field} />
        ) : (
          <JsonField {...props} schema={schema} name="Inputs" field={field} />
        )}
        {children ?? <RunButton isBusy={isBusy} />}
      </form>
    </FormContext>
  );
}

function RunButton({ isBusy }: { isBusy: boolean }) {
  return (
    <div className={css["run"]}>
      <Button type="submit" kind="primary" isBusy={isBusy}>
        Run
      </Button>
      <span className={css["hint"]}>
        <kbd>Ctrl</kbd> <kbd>Enter</kbd>
      </span>
    </div>
  );
}

interface SummaryProps {
  faults: readonly Fault[];
  form: React.RefObject<HTMLFormElement | null>;
}

function Summary({ faults, form }: SummaryProps) {
  const id = useId();
  if (faults.length === 0) return null;
  const shown = faults.map(placed);
  const lead = (path: string) => {
    const fields = [...(form.current?.querySelectorAll<HTMLElement>("[data-path]") ?? [])];
    // The field itself, or the innermost one around it.
    const around = fields.filter(({ dataset }) => path.startsWith(dataset["path"] ?? " "));
    around.at(-1)?.querySelector<HTMLElement>("input:not([type=file]), select, textarea")?.focus();
  };
  return (
    <Notice
      tone="bad"
      title={shown.length === 1 ? "One thing is wrong" : `${shown.length} things are wrong`}
    >
      <ul className={css["faults"]}>
        {shown.map(({ path, message }, index) => (
          <li key={`${id}${path}${index}`}>
            <button type="button" className={css["lead"]} onClick={() => lead(path)}>
              {path.replace(/^\$\.?/, "") || "The inputs"}
            </button>
            : {message}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

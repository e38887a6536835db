/** Any JSON, typed: for what no other control fits. */
import { useState } from "react";
import { Field, TextArea } from "../ui/field";
import css from "./form.module.css";
import { type FieldProps, useFault } from "./form-context";
import type { Field as SchemaOf } from "./schema";
import { labelled } from "./simple-fields";
import { NotJson } from "./values";

export function JsonField({ field, value, onChange, ...props }: FieldProps & { field: SchemaOf }) {
  const fault = useFault(props.path);
  const [typed, setTyped] = useState(() =>
    value === undefined || value instanceof NotJson ? "" : JSON.stringify(value, null, 2),
  );
  const change = (text: string) => {
    setTyped(text);
    onChange(parsed(text));
  };
  return (
    <Field {...labelled(field, props, "As JSON.")} fault={fault}>
      {(ties) => (
        <TextArea
          {...ties}
          rows={4}
          spellCheck={false}
          className={css["json"]}
          value={typed}
          onChange={({ target }) => change(target.value)}
        />
      )}
    </Field>
  );
}

function parsed(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return new NotJson(text);
  }
}

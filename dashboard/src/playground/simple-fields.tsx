/** Fields of one control: text, number, yes or no, color, one of several values. */
import { Checkbox, Fault, Field, Input, Select, TextArea } from "../ui/field";
import css from "./form.module.css";
import { type FieldProps, useFault } from "./form-context";
import type { Field as SchemaOf } from "./schema";

type Props = FieldProps & { field: SchemaOf };

const INPUT_TYPES: Readonly<Record<string, string>> = { date: "date", email: "email", uri: "url" };

export function TextField({ field, value, onChange, ...props }: Props) {
  const fault = useFault(props.path);
  const held = typeof value === "string" ? value : "";
  const change = (event: { target: { value: string } }) =>
    onChange(event.target.value || undefined);
  const type = INPUT_TYPES[String(field.node["format"])] ?? "text";
  return (
    <Field {...labelled(field, props)} fault={fault}>
      {(ties) =>
        field.kind === "text" ? (
          <TextArea {...ties} rows={3} value={held} onChange={change} />
        ) : (
          <Input {...ties} type={type} value={held} onChange={change} />
        )
      }
    </Field>
  );
}

export function NumberField({ field, value, onChange, ...props }: Props) {
  const fault = useFault(props.path);
  const { minimum, maximum, multipleOf } = field.node;
  const step = typeof multipleOf === "number" ? multipleOf : field.kind === "integer" ? 1 : "any";
  return (
    <Field {...labelled(field, props, boundsOf(field))} fault={fault}>
      {(ties) => (
        <Input
          {...ties}
          type="number"
          className={css["short"]}
          min={typeof minimum === "number" ? minimum : undefined}
          max={typeof maximum === "number" ? maximum : undefined}
          step={step}
          value={typeof value === "number" ? value : ""}
          onChange={({ target }) =>
            onChange(target.value === "" ? undefined : target.valueAsNumber)
          }
        />
      )}
    </Field>
  );
}

/** A box where no is meant by leaving it; else a choice of three, since leaving it means neither. */
export function BooleanField({ field, value, onChange, ...props }: Props) {
  const fault = useFault(props.path);
  const { label, hint } = labelled(field, props);
  if (props.isRequired || "default" in field.node) {
    return (
      <div className={css["box"]}>
        <Checkbox
          label={label}
          checked={value === true}
          onChange={({ target }) => onChange(target.checked)}
        />
        {hint && <p className={css["hint"]}>{hint}</p>}
        <Fault text={fault} />
      </div>
    );
  }
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(ties) => (
        <Select
          {...ties}
          className={css["short"]}
          value={value === undefined ? "" : String(value)}
          onChange={({ target }) => onChange(target.value ? target.value === "true" : undefined)}
        >
          <option value="">not said</option>
          <option value="true">yes</option>
          <option value="false">no</option>
        </Select>
      )}
    </Field>
  );
}

export function ColorField({ field, value, onChange, ...props }: Props) {
  const fault = useFault(props.path);
  const held = typeof value === "string" ? value : "";
  const { label } = labelled(field, props);
  return (
    <Field {...labelled(field, props)} fault={fault}>
      {(ties) => (
        <span className={css["color"]}>
          <input
            type="color"
            aria-label={`Pick ${String(label)}`}
            value={sixDigits(held) ?? "#000000"}
            onChange={({ target }) => onChange(target.value)}
            className={css["swatch"]}
          />
          <Input
            {...ties}
            placeholder="#336699"
            spellCheck={false}
            className={css["short"]}
            value={held}
            onChange={({ target }) => onChange(target.value.trim() || undefined)}
          />
        </span>
      )}
    </Field>
  );
}

export function EnumField({
  field,
  value,
  onChange,
  ...props
}: FieldProps & { field: SchemaOf & { kind: "enum" } }) {
  const fault = useFault(props.path);
  const chosen = field.options.findIndex((each) => JSON.stringify(each) === JSON.stringify(value));
  const mayBeEmpty = !props.isRequired || chosen < 0;
  return (
    <Field {...labelled(field, props)} fault={fault}>
      {(ties) => (
        <Select
          {...ties}
          value={chosen < 0 ? "" : chosen}
          onChange={({ target }) =>
            onChange(target.value === "" ? undefined : field.options[Number(target.value)])
          }
        >
          {mayBeEmpty && <option value="">choose one</option>}
          {field.options.map((option, index) => (
            <option key={JSON.stringify(option)} value={index}>
              {typeof option === "string" ? option : JSON.stringify(option)}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

/** The label, what is said about the field, and whether it has to be there. */
export function labelled(
  field: SchemaOf,
  { name, isRequired }: { name: string; isRequired: boolean },
  bounds = "",
) {
  const hint = [field.description, bounds].filter(Boolean).join(" ");
  const isNeeded = isRequired && !("default" in field.node);
  return { label: field.title ?? name, hint: hint || undefined, isRequired: isNeeded };
}

function boundsOf({ node: { minimum, maximum } }: SchemaOf): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}.`;
  if (minimum !== undefined) return `At least ${minimum}.`;
  return maximum === undefined ? "" : `At most ${maximum}.`;
}

/** A color as the browser's picker takes it. */
export function sixDigits(color: string): string | undefined {
  const digits = /^#?([\da-f]{3}|[\da-f]{6})$/i.exec(color)?.[1];
  if (!digits) return undefined;
  return `#${digits.length === 3 ? [...digits].map((each) => each + each).join("") : digits}`;
}

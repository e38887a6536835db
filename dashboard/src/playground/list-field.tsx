/** A list: its items, and a button for one more. */
import { Plus, X } from "lucide-react";
import { useContext, useId, useRef } from "react";
import { Button, IconButton } from "../ui/button";
import { Fault, Required } from "../ui/field";
import css from "./form.module.css";
import { type FieldProps, FormContext, InnerField, useFault } from "./form-context";
import type { Field as SchemaOf } from "./schema";
import { labelled } from "./simple-fields";
import { startOf } from "./values";

type Props = FieldProps & { field: SchemaOf & { kind: "array" } };

export function ListField({ field, name, path, isRequired, value, onChange }: Props) {
  const { root } = useContext(FormContext);
  const fault = useFault(path, false);
  const items = Array.isArray(value) ? value : [];
  const ids = useIds(items.length);
  const { label, hint } = labelled(field, { name, isRequired });
  const most = Number(field.node["maxItems"] ?? Number.POSITIVE_INFINITY);
  const remove = (index: number) => {
    ids.remove(index);
    const left = items.filter((_, at) => at !== index);
    onChange(left.length === 0 && !isRequired ? undefined : left);
  };
  return (
    <fieldset className={css["group"]}>
      <legend>
        {label} {isRequired && !("default" in field.node) && <Required />}
      </legend>
      {hint && <p className={css["hint"]}>{hint}</p>}
      {items.map((item, index) => (
        <div key={ids.at(index)} className={css["item"]}>
          <InnerField
            schema={field.item}
            name={`${label} ${index + 1}`}
            path={`${path}[${index}]`}
            isRequired
            value={item}
            onChange={(next) => onChange(items.map((each, at) => (at === index ? next : each)))}
          />
          <IconButton label={`Take away ${label} ${index + 1}`} onClick={() => remove(index)}>
            <X size={16} aria-hidden />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          disabled={items.length >= most}
          onClick={() => onChange([...items, startOf(root, field.item)])}
        >
          <Plus size={16} aria-hidden /> One more
        </Button>
      </div>
      <Fault text={fault} />
    </fieldset>
  );
}

/** Ids that stay with the items as others are taken away, so that each keeps its controls. */
function useIds(length: number) {
  const prefix = useId();
  const next = useRef(0);
  const ids = useRef<string[]>([]);
  while (ids.current.length < length) ids.current.push(`${prefix}${next.current++}`);
  ids.current.length = length;
  return {
    at: (index: number) => ids.current[index],
    remove: (index: number) => void ids.current.splice(index, 1),
  };
}

/** An object: its properties, one below the other. */
import { Fault, Required } from "../ui/field";
import css from "./form.module.css";
import { type FieldProps, InnerField, useFault } from "./form-context";
import { isNode, type Field as SchemaOf } from "./schema";
import { labelled } from "./simple-fields";
import { step, withMember } from "./values";

type Props = FieldProps & { field: SchemaOf & { kind: "object" } };

export function ObjectField({ field, ...props }: Props) {
  const fault = useFault(props.path, false);
  const { label, hint, isRequired } = labelled(field, props);
  return (
    <fieldset className={css["group"]}>
      <legend>
        {label} {isRequired && <Required />}
      </legend>
      {hint && <p className={css["hint"]}>{hint}</p>}
      <Members field={field} {...props} />
      <Fault text={fault} />
    </fieldset>
  );
}

/** The properties alone: the form itself is an object without a frame. */
export function Members({ field, path, value, onChange }: Omit<Props, "name">) {
  return field.properties.map(({ name, node, isRequired }) => (
    <InnerField
      key={name}
      schema={node}
      name={name}
      path={step(path, name)}
      isRequired={isRequired}
      value={isNode(value) ? value[name] : undefined}
      onChange={(member) => onChange(withMember(value, name, member))}
    />
  ));
}

/** One of several shapes: which one, and then its own field. */
import { useContext, useState } from "react";
import { Fault, Field, Select } from "../ui/field";
import { fits } from "./fits";
import css from "./form.module.css";
import { type FieldProps, FormContext, InnerField, useFault } from "./form-context";
import { optionTitle, type Field as SchemaOf } from "./schema";
import { labelled } from "./simple-fields";
import { startOf } from "./values";

type Props = FieldProps & { field: SchemaOf & { kind: "choice" } };

export function ChoiceField({ field, value, onChange, ...props }: Props) {
  const { root } = useContext(FormContext);
  const fault = useFault(props.path, false);
  const [chosen, setChosen] = useState(() =>
    value === undefined
      ? -1
      : Math.max(
          0,
          field.options.findIndex((one) => fits(root, one, value)),
        ),
  );
  const { label, hint, isRequired } = labelled(field, props);
  const option = field.options[chosen];
  const choose = (index: number) => {
    setChosen(index);
    const next = field.options[index];
    onChange(next && startOf(root, next));
  };
  return (
    <fieldset className={css["group"]}>
      <legend>{label}</legend>
      <Field label="Kind" hint={hint} isRequired={isRequired}>
        {(ties) => (
          <Select {...ties} value={chosen} onChange={({ target }) => choose(Number(target.value))}>
            {(!isRequired || chosen < 0) && <option value={-1}>choose one</option>}
            {field.options.map((each, index) => (
              <option key={index} value={index}>
                {optionTitle(root, each)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {option && (
        <InnerField
          key={chosen}
          schema={option}
          name={optionTitle(root, option)}
          path={props.path}
          isRequired
          value={value}
          onChange={onChange}
        />
      )}
      {!option && <Fault text={fault} />}
    </fieldset>
  );
}

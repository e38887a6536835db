/** The control for a part of a schema. */
import { useContext } from "react";
import { ChoiceField } from "./choice-field";
import { FileField } from "./file-field";
import { type FieldProps, FormContext } from "./form-context";
import { JsonField } from "./json-field";
import { ListField } from "./list-field";
import { ObjectField } from "./object-field";
import { fieldOf } from "./schema";
import { BooleanField, ColorField, EnumField, NumberField, TextField } from "./simple-fields";

export function SchemaField(props: FieldProps) {
  const { root } = useContext(FormContext);
  const field = fieldOf(root, props.schema);
  // The path is on the page, so that a fault can lead to its control.
  return (
    <div data-path={props.path}>
      {(() => {
        switch (field.kind) {
          case "string":
          case "text":
            return <TextField {...props} field={field} />;
          case "number":
          case "integer":
            return <NumberField {...props} field={field} />;
          case "boolean":
            return <BooleanField {...props} field={field} />;
          case "color":
            return <ColorField {...props} field={field} />;
          case "enum":
            return <EnumField {...props} field={field} />;
          case "file":
            return <FileField {...props} field={field} />;
          case "array":
            return <ListField {...props} field={field} />;
          case "object":
            return <ObjectField {...props} field={field} />;
          case "choice":
            return <ChoiceField {...props} field={field} />;
          case "json":
            return <JsonField {...props} field={field} />;
        }
      })()}
    </div>
  );
}

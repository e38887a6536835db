/** A schema to be read: its properties, what each is, and what is inside of them. */
import { fieldOf, type Node, type Property } from "../playground/schema";
import { Badge } from "../ui/badge";
import { Json } from "../ui/code";
import css from "./schema.module.css";
import { phraseOf, shown } from "./words";

const DEEPEST = 5;

export function SchemaView({ schema, what }: { schema: Node; what: string }) {
  const field = fieldOf(schema, schema);
  return (
    <div className={css["schema"]}>
      {field.kind === "object" ? (
        <Properties root={schema} properties={field.properties} depth={0} />
      ) : (
        <p>{phraseOf(schema, schema)}</p>
      )}
      <details>
        <summary>As JSON Schema</summary>
        <Json value={schema} label={`the schema of the ${what}`} />
      </details>
    </div>
  );
}

interface PropertiesProps {
  root: Node;
  properties: readonly Property[];
  depth: number;
}

function Properties({ root, properties, depth }: PropertiesProps) {
  return (
    <dl className={css["properties"]}>
      {properties.map(({ name, node, isRequired }) => (
        <Described
          key={name}
          root={root}
          name={name}
          node={node}
          isRequired={isRequired}
          depth={depth}
        />
      ))}
    </dl>
  );
}

function Described({
  root,
  name,
  node,
  isRequired,
  depth,
}: Property & { root: Node; depth: number }) {
  const field = fieldOf(root, node);
  const inner = field.kind === "array" ? fieldOf(root, field.item) : field;
  return (
    <div className={css["property"]}>
      <dt>
        <code>{name}</code>
        {isRequired && <Badge tone="accent">required</Badge>}
      </dt>
      <dd>
        <p>{phraseOf(root, node)}</p>
        {field.description && <p className={css["about"]}>{field.description}</p>}
        {"default" in field.node && (
          <p className={css["about"]}>
            Without it: <code>{shown(field.node["default"])}</code>
          </p>
        )}
        {inner.kind === "object" && depth < DEEPEST && (
          <Properties root={root} properties={inner.properties} depth={depth + 1} />
        )}
      </dd>
    </div>
  );
}

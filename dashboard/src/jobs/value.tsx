/** A value, shown as what its schema says it is: a picture, a player, a swatch, formatted text. */
import { lazy, Suspense } from "react";
import { fits } from "../playground/fits";
import { type Field, fieldOf, isNode, type Node, optionTitle } from "../playground/schema";
import { sixDigits } from "../playground/simple-fields";
import { Json } from "../ui/code";
import { Media } from "../ui/media";
import { Table } from "../ui/table";
import css from "./result.module.css";
import { Swatch } from "./swatch";

const Formatted = lazy(() => import("../ui/formatted"));

export interface ValueProps {
  root: Node;
  schema: unknown;
  value: unknown;
  name: string;
}

export function Value({ root, schema, value, name }: ValueProps) {
  const field = fieldOf(root, schema);
  if (value === null || value === undefined) return <span className={css["soft"]}>nothing</span>;
  switch (field.kind) {
    case "file":
      return <FileValue value={value} type={field.fileType} name={field.title ?? name} />;
    case "color":
      return <Swatch color={sixDigits(String(value))} text={String(value)} />;
    case "text":
      return (
        <Suspense fallback={<p className={css["plain"]}>{String(value)}</p>}>
          <Formatted text={String(value)} />
        </Suspense>
      );
    case "array":
      return <ListValue root={root} field={field} value={value} name={name} />;
    case "object":
      return <ObjectValue root={root} field={field} value={value} />;
    case "choice": {
      const option = field.options.find((each) => fits(root, each, value));
      return option ? (
        <Value root={root} schema={option} value={value} name={optionTitle(root, option)} />
      ) : (
        <Bare value={value} name={name} />
      );
    }
    default:
      return <Bare value={value} name={name} />;
  }
}

/** What no schema says more about. */
function Bare({ value, name }: { value: unknown; name: string }) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en", { maximumFractionDigits: 12 });
  if (typeof value !== "string") return <Json value={value} label={name} />;
  return /^https?:\/\//.test(value) ? (
    <a href={value} target="_blank" rel="noreferrer" className={css["plain"]}>
      {value}
    </a>
  ) : (
    <span className={css["plain"]}>{value}</span>
  );
}

interface FileValueProps {
  value: unknown;
  type: "image" | "video" | "audio" | "file";
  name: string;
}

function FileValue({ value, type, name }: FileValueProps) {
  const url = String(value);
  const file = decodeURIComponent(url.split(/[?#]/)[0]?.split("/").pop() ?? name);
  return (
    <figure className={css["figure"]}>
      {type !== "file" && <Media type={type} url={url} alt={name} />}
      <figcaption>
        <a href={url} target="_blank" rel="noreferrer">
          Open
        </a>
        <a href={url} download={file}>
          Download {file}
        </a>
      </figcaption>
    </figure>
  );
}

interface PartProps<Kind extends Field["kind"]> {
  root: Node;
  field: Field & { kind: Kind };
  value: unknown;
}

function ObjectValue({ root, field, value }: PartProps<"object">) {
  const held = isNode(value) ? value : {};
  const shown = field.properties.filter(({ name }) => name in held);
  return (
    <dl className={css["object"]}>
      {shown.map(({ name, node }) => (
        <div key={name} className={css["member"]}>
          <dt>{fieldOf(root, node).title ?? name}</dt>
          <dd>
            <Value root={root} schema={node} value={held[name]} name={name} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ListValue({ root, field, value, name }: PartProps<"array"> & { name: string }) {
  const items = Array.isArray(value) ? value : [];
  if (items.length === 0) return <span className={css["soft"]}>none</span>;
  const item = fieldOf(root, field.item);
  if (item.kind === "object") {
    const columns = item.properties.map((property) => ({
      title: fieldOf(root, property.node).title ?? property.name,
      isNumber: /^(number|integer)$/.test(fieldOf(root, property.node).kind),
      cell: ({ held }: { held: Node }) => (
        <Value
          root={root}
          schema={property.node}
          value={held[property.name]}
          name={property.name}
        />
      ),
    }));
    const rows = items.map((each, index) => ({ index, held: isNode(each) ? each : {} }));
    return <Table caption={name} columns={columns} rows={rows} rowKey={(row) => `${row.index}`} />;
  }
  return (
    <ul className={item.kind === "file" ? css["gallery"] : css["list"]}>
      {items.map((each, index) => (
        <li key={index}>
          <Value root={root} schema={field.item} value={each} name={`${name} ${index + 1}`} />
        </li>
      ))}
    </ul>
  );
}

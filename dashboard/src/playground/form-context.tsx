/** What all fields of a form share. */
import { type ComponentType, createContext, useContext } from "react";
import type { Fault } from "wire";
import type { Node } from "./schema";
import { isAt, placed } from "./values";

export interface FormShared {
  /** The whole schema: references lead into it. */
  readonly root: Node;
  readonly faults: readonly Fault[];
  /** The control for any schema; fields that have others inside take it from here. */
  readonly Control: ComponentType<FieldProps>;
}

export const FormContext = createContext<FormShared>({
  root: {},
  faults: [],
  Control: () => null,
});

/** A field inside of another one. */
export function InnerField(props: FieldProps) {
  const { Control } = useContext(FormContext);
  return <Control {...props} />;
}

/** What is wrong at a path, in a sentence; undefined where nothing is. */
export function useFault(path: string, isLeaf = true): string | undefined {
  const { faults } = useContext(FormContext);
  const here = faults.map(placed).filter((fault) => isAt(fault, path, isLeaf));
  return here.map(({ message }) => message).join(" ") || undefined;
}

export interface FieldProps {
  readonly schema: Node;
  /** What the field is called where its schema has no title. */
  readonly name: string;
  readonly path: string;
  readonly isRequired: boolean;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

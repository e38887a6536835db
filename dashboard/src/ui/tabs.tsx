/** Tabs: one of several panels. Only the open panel is there. */
import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import css from "./tabs.module.css";

export interface Tab {
  id: string;
  label: ReactNode;
  content: ReactNode;
}

export interface TabsProps {
  /** What the tabs are about, for screen readers. */
  label: string;
  tabs: readonly Tab[];
  /** Where the page keeps which one is open; without it the tabs do. */
  open?: string;
  onOpen?: (id: string) => void;
}

export function Tabs({ label, tabs, open, onOpen }: TabsProps) {
  const held = open === undefined ? { defaultValue: tabs[0]?.id } : { value: open };
  return (
    <Base.Root {...held} onValueChange={(id) => onOpen?.(String(id))} className={css["tabs"]}>
      <Base.List className={css["list"]} aria-label={label}>
        {tabs.map((tab) => (
          <Base.Tab key={tab.id} value={tab.id} className={css["tab"]}>
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.id} value={tab.id} className={css["panel"]}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}

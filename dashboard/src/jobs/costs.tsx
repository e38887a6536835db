/** What a job's cost is made of. What the jobs below it cost is told on their own pages. */
import type { CostLine, Job, JobCosts } from "wire";
import { exactDollars } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { useCosts } from "./jobs";
import css from "./jobs.module.css";

const COLUMNS = [
  { title: "For", cell: ({ kind, label }: CostLine) => label || kind },
  { title: "Kind", cell: ({ kind }: CostLine) => kind },
  { title: "Calls", cell: ({ calls }: CostLine) => calls.toLocaleString("en"), isNumber: true },
  { title: "Held", cell: (line: CostLine) => heldOf(line), isNumber: true },
  { title: "Cost", cell: (line: CostLine) => exactDollars(line.cost_micros), isNumber: true },
];

export function Costs({ job }: { job: Job }) {
  const costs = useCosts(job);
  return (
    <Panel title="Cost">
      <Loaded query={costs} what="the cost">
        {(found) =>
          found.lines.length > 0 ? <Lines costs={found} /> : <Empty title="It cost nothing" />
        }
      </Loaded>
    </Panel>
  );
}

function Lines({ costs: { lines, cost_micros } }: { costs: JobCosts }) {
  const isHolding = lines.some(({ held_micros }) => held_micros > 0);
  return (
    <>
      <Table
        caption="What the cost is made of"
        columns={COLUMNS.filter(({ title }) => title !== "Held" || isHolding)}
        rows={lines}
        rowKey={({ kind, label }) => `${kind} ${label}`}
      />
      <p className={css["total"]}>
        <strong>Total</strong>
        <strong>{exactDollars(cost_micros)}</strong>
      </p>
    </>
  );
}

function heldOf({ held_micros }: CostLine): string {
  return held_micros > 0 ? exactDollars(held_micros) : "–";
}

/** What the workspace, a skillpack or a skill may spend in a time, and how much of it is gone. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Budget } from "wire";
import { call } from "../api/client";
import { useList, WHOLE_PAGE } from "../api/lists";
import { queries } from "../api/queries";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { dollars } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Meter } from "../ui/meter";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { tellDone } from "../ui/toasts";
import { BudgetDialog } from "./budget-dialog";
import css from "./money.module.css";
import { pathOf, windowInWords } from "./terms";

const PATH = "/v1/budgets";
const EVERY_MS = 10_000;

/** What is open over the page. */
type Open = { what: "new" } | { what: "edit" | "delete"; budget: Budget } | undefined;

export function Budgets() {
  const budgets = useList<Budget>(PATH, { query: { limit: WHOLE_PAGE }, everyMs: EVERY_MS });
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <Panel
      title="Budgets"
      actions={<Button onClick={() => setOpen({ what: "new" })}>New budget</Button>}
    >
      <Loaded query={budgets} what="the budgets">
        {(rows) =>
          rows.length > 0 ? (
            <List rows={rows} onOpen={setOpen} />
          ) : (
            <Empty title="There are no budgets">
              <p>One keeps a skill, or all of them, from spending more than you want.</p>
            </Empty>
          )
        }
      </Loaded>
      {(open?.what === "new" || open?.what === "edit") && (
        <BudgetDialog
          budget={open.what === "edit" ? open.budget : undefined}
          onClose={close}
          onSaved={() => queries.invalidateQueries({ queryKey: [PATH] })}
        />
      )}
      {open?.what === "delete" && <Deletion budget={open.budget} onClose={close} />}
    </Panel>
  );
}

function List({ rows, onOpen }: { rows: readonly Budget[]; onOpen: (open: Open) => void }) {
  const columns = [
    { title: "For", cell: (budget: Budget) => nameOf(budget) },
    { title: "Limit", cell: (budget: Budget) => limitOf(budget) },
    { title: "Spent", cell: (budget: Budget) => <Spent budget={budget} /> },
    { title: "State", cell: (budget: Budget) => <State budget={budget} /> },
    {
      title: "Change",
      cell: (budget: Budget) => (
        <span className={css["buttons"]}>
          <Button
            aria-label={`Edit the budget of ${nameOf(budget)}`}
            onClick={() => onOpen({ what: "edit", budget })}
          >
            Edit
          </Button>
          <Button
            aria-label={`Delete the budget of ${nameOf(budget)}`}
            onClick={() => onOpen({ what: "delete", budget })}
          >
            Delete
          </Button>
        </span>
      ),
    },
  ];
  return <Table caption="Budgets" columns={columns} rows={rows} rowKey={({ id }) => id} />;
}

function Spent({ budget }: { budget: Budget }) {
  const { spent_micros, limit_usd } = budget;
  const limit = limit_usd * 1_000_000;
  return (
    <Meter
      label={`Spent of the budget of ${nameOf(budget)}`}
      text={`${dollars(spent_micros)} of ${dollars(limit)}`}
      used={limit > 0 ? spent_micros / limit : 1}
    />
  );
}

function State({ budget }: { budget: Budget }) {
  if (!budget.enabled) return <Badge>off</Badge>;
  const isSpent = budget.spent_micros >= budget.limit_usd * 1_000_000;
  if (isSpent) return <Badge tone="bad">used up</Badge>;
  if (budget.alerted_at) return <Badge tone="warn">over {budget.alert_pct} %</Badge>;
  return <Badge tone="good">{budget.enforce ? "enforced" : "only alerts"}</Badge>;
}

function Deletion({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  const remove = useMutation({
    mutationFn: () => call(`${PATH}/${budget.id}`, { method: "DELETE" }),
    onSuccess: () => tellDone("The budget is deleted"),
    onSettled: () => {
      onClose();
      return queries.invalidateQueries({ queryKey: [PATH] });
    },
  });
  return (
    <Confirm
      title="Delete the budget?"
      verb="Delete"
      isOpen
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      It limits what {nameOf(budget)} spends to {limitOf(budget)}. Without it, nothing does.
    </Confirm>
  );
}

function nameOf(budget: Budget): string {
  return pathOf(budget) ?? "the workspace";
}

function limitOf({ limit_usd, window }: Budget): string {
  return `${dollars(limit_usd * 1_000_000)} ${windowInWords(window)}`;
}

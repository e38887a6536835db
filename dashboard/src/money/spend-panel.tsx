/** What was spent lately: as a chart by day, and by skill and by key as tables with bars. */
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import type { Spend, SpendBy, SpendLine } from "wire";
import { useSearchParams } from "wouter";
import { call } from "../api/client";
import { Columns } from "../ui/columns";
import { Select } from "../ui/field";
import { dollars } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { Share } from "../ui/share";
import { Table } from "../ui/table";
import { Tabs } from "../ui/tabs";
import css from "./money.module.css";

const DAYS = ["7", "30", "90", "365"];
const DEFAULT_DAYS = "30";

export function SpendPanel() {
  const [search, setSearch] = useSearchParams();
  const asked = search.get("days") ?? DEFAULT_DAYS;
  const days = DAYS.includes(asked) ? asked : DEFAULT_DAYS;
  const id = useId();
  const choose = (chosen: string) =>
    setSearch((before) => ({ ...Object.fromEntries(before), days: chosen }), { replace: true });
  const tabs = [
    { id: "day", label: "By day", content: <Spent by="day" days={days} /> },
    { id: "skill", label: "By skill", content: <Spent by="skill" days={days} /> },
    { id: "key", label: "By key", content: <Spent by="key" days={days} /> },
  ];
  const period = (
    <span className={css["period"]}>
      <label htmlFor={id}>The last</label>
      <Select id={id} value={days} onChange={(event) => choose(event.target.value)}>
        {DAYS.map((each) => (
          <option key={each} value={each}>
            {each} days
          </option>
        ))}
      </Select>
    </span>
  );
  return (
    <Panel title="Spend" actions={period}>
      <Tabs label="Spend" tabs={tabs} />
    </Panel>
  );
}

function Spent({ by, days }: { by: SpendBy; days: string }) {
  const spend = useQuery({
    queryKey: ["spend", by, days],
    queryFn: ({ signal }) =>
      call<Spend>("/v1/billing/spend", { query: { by, days: Number(days) }, signal }),
  });
  return (
    <Loaded query={spend} what="the spend">
      {(spent) => (
        <div className={css["spent"]}>
          <p>
            <strong>{dollars(spent.total_micros)}</strong> since {spent.since}
          </p>
          {spent.total_micros === 0 ? (
            <Empty title="Nothing was spent in this time" />
          ) : by === "day" ? (
            <ByDay lines={spent.lines} />
          ) : (
            <ByName of={by === "skill" ? "Skill" : "Key"} spent={spent} />
          )}
        </div>
      )}
    </Loaded>
  );
}

function ByDay({ lines }: { lines: readonly SpendLine[] }) {
  const points = lines.map(({ name, micros }) => ({ label: name, value: micros }));
  return (
    <Columns title="Spend by day" axis="Day" measure="Spent" points={points} format={dollars} />
  );
}

function ByName({ of, spent }: { of: string; spent: Spend }) {
  const largest = Math.max(...spent.lines.map(({ micros }) => micros));
  const columns = [
    { title: of, cell: ({ name }: SpendLine) => name },
    {
      title: "Share",
      cell: ({ micros }: SpendLine) => (
        <span className={css["share"]}>
          <Share of={micros} largest={largest} />
          {Math.round((micros / Math.max(1, spent.total_micros)) * 100)} %
        </span>
      ),
    },
    { title: "Spent", cell: ({ micros }: SpendLine) => dollars(micros), isNumber: true },
  ];
  return (
    <Table
      caption={`Spend by ${of.toLowerCase()}`}
      columns={columns}
      rows={spent.lines}
      rowKey={({ id, name }) => `${id} ${name}`}
    />
  );
}

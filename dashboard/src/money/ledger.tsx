/** Every change of the wallet. */
import type { LedgerEntry, LedgerKind } from "wire";
import { Link } from "wouter";
import { useList } from "../api/lists";
import { Badge, type Tone } from "../ui/badge";
import { exactDollars, Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { More } from "../ui/more";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";

const TONES: Readonly<Record<LedgerKind, Tone>> = {
  grant: "good",
  credit: "good",
  debit: "neutral",
};

const COLUMNS = [
  { title: "When", cell: ({ created_at }: LedgerEntry) => <Time at={created_at} /> },
  { title: "Kind", cell: ({ kind }: LedgerEntry) => <Badge tone={TONES[kind]}>{kind}</Badge> },
  { title: "For", cell: (entry: LedgerEntry) => <Reason {...entry} /> },
  {
    title: "Amount",
    cell: ({ amount_micros }: LedgerEntry) => exactDollars(amount_micros),
    isNumber: true,
  },
];

export function Ledger() {
  const entries = useList<LedgerEntry>("/v1/billing/ledger", { query: { limit: 20 } });
  return (
    <Panel title="Ledger">
      <Loaded query={entries} what="the ledger">
        {(rows) =>
          rows.length > 0 ? (
            <>
              <Table caption="Ledger" columns={COLUMNS} rows={rows} rowKey={({ id }) => id} />
              <More list={entries} />
            </>
          ) : (
            <Empty title="Nothing came in or went out yet" />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Reason({ job_id, note }: LedgerEntry) {
  if (job_id) return <Link href={`/jobs/${job_id}`}>{note ?? `job …${job_id.slice(-8)}`}</Link>;
  return <>{note ?? "–"}</>;
}

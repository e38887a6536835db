/** A job's attempts, and the jobs that it started. */
import type { JobEvent } from "puras";
import { Link } from "wouter";
import { Badge, Status } from "../ui/badge";
import { duration, Time } from "../ui/figures";
import { Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { type Attempt, attemptsOf, type Child, childrenOf } from "./attempts";

const ATTEMPTS = [
  { title: "Attempt", cell: ({ number }: Attempt) => number },
  { title: "Began", cell: ({ startedAt }: Attempt) => <Time at={startedAt} /> },
  {
    title: "Ended",
    cell: ({ outcome }: Attempt) =>
      outcome === "lost" ? <Badge tone="bad">lost</Badge> : <Status status={outcome} />,
  },
  {
    title: "Took",
    cell: ({ startedAt, endedAt }: Attempt) =>
      endedAt ? duration(Date.parse(endedAt) - Date.parse(startedAt)) : "–",
    isNumber: true,
  },
];

const CHILDREN = [
  {
    title: "Job",
    cell: ({ jobId, label }: Child) => <Link href={`/jobs/${jobId}`}>{label || jobId}</Link>,
  },
  { title: "Status", cell: ({ status }: Child) => <Status status={status ?? "running"} /> },
];

export function History({ events }: { events: readonly JobEvent[] }) {
  const [attempts, children] = [attemptsOf(events), childrenOf(events)];
  return (
    <>
      {attempts.length > 0 && (
        <Panel title="Attempts">
          <Table
            caption="Attempts"
            columns={ATTEMPTS}
            rows={attempts}
            rowKey={({ startedAt }) => startedAt}
          />
        </Panel>
      )}
      {children.length > 0 && (
        <Panel title="Jobs that it started">
          <Table
            caption="Jobs that it started"
            columns={CHILDREN}
            rows={children}
            rowKey={({ jobId }) => jobId}
          />
        </Panel>
      )}
    </>
  );
}

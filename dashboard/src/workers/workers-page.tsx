/** Who is at work, and what waits. */
import { useQuery } from "@tanstack/react-query";
import type { Queue, Worker, Workers } from "wire";
import { Link } from "wouter";
import { call } from "../api/client";
import { Page } from "../shell/page";
import { Figure, Figures } from "../ui/facts";
import { duration, Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Meter } from "../ui/meter";
import { Empty, Notice, Panel } from "../ui/panel";
import { Table } from "../ui/table";

const EVERY_MS = 3_000;

export default function WorkersPage() {
  const workers = useQuery({
    queryKey: ["workers"],
    queryFn: ({ signal }) => call<Workers>("/v1/workers", { signal }),
    refetchInterval: EVERY_MS,
  });
  return (
    <Page title="Workers" about="Who is at work, and what waits.">
      <Loaded query={workers} what="the workers">
        {({ workers: alive, queue }) => (
          <>
            <Waiting queue={queue} />
            <Panel title="Alive">{alive.length > 0 ? <Alive workers={alive} /> : <Nobody />}</Panel>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Waiting({ queue }: { queue: Queue }) {
  const { queued, running, waiting_for_approval: asking, oldest_wait_ms: oldest } = queue;
  return (
    <>
      <Figures>
        <Figure name="running">
          <Link href="/jobs?status=running">{running}</Link>
        </Figure>
        <Figure name="waiting for a worker">
          <Link href="/jobs?status=queued">{queued}</Link>
        </Figure>
        <Figure name="the longest wait">{oldest === null ? "none" : duration(oldest)}</Figure>
        <Figure name="waiting for a person">{asking}</Figure>
      </Figures>
      {asking > 0 && (
        <Notice tone="warn" title="Somebody has to decide">
          Jobs that want to use a tool wait until a person says yes or no, on their pages.
        </Notice>
      )}
    </>
  );
}

function Alive({ workers }: { workers: readonly Worker[] }) {
  const columns = [
    { title: "Worker", cell: ({ id }: Worker) => <code>{id}</code> },
    {
      title: "Places taken",
      cell: ({ id, running, places }: Worker) => (
        <Meter
          label={`Places taken of ${id}`}
          text={`${running} of ${places}`}
          used={running / Math.max(1, places)}
        />
      ),
    },
    { title: "Since", cell: ({ started_at }: Worker) => <Time at={started_at} /> },
    { title: "Last heard of", cell: ({ seen_at }: Worker) => <Time at={seen_at} /> },
  ];
  return <Table caption="Workers" columns={columns} rows={workers} rowKey={({ id }) => id} />;
}

function Nobody() {
  return (
    <Empty title="No worker is alive">
      <p>
        Jobs wait until there is one: <code>puras worker</code> starts it, and{" "}
        <code>puras serve</code> has one of its own unless it is told otherwise.
      </p>
    </Empty>
  );
}

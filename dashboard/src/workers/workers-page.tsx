/** Who is at work, and what waits. */
import { useQuery } from "@tanstack/react-query";
import type { Job, Queue, Worker, Workers } from "wire";
import { Link } from "wouter";
import { call } from "../api/client";
import { JobTable } from "../jobs/job-table";
import { Page } from "../shell/page";
import { Figure, Figures } from "../ui/facts";
import { duration, Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Meter } from "../ui/meter";
import { Empty, Notice, Panel } from "../ui/panel";
import { Table } from "../ui/table";

const EVERY_MS = 3_000;
const MOST_SHOWN = 25;

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
            {queue.running > 0 && <Running />}
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

/** The newest jobs at work; the list of all is one link away. */
function Running() {
  const jobs = useQuery({
    queryKey: ["jobs", "running"],
    queryFn: ({ signal }) =>
      call<Job[]>("/v1/jobs", { query: { status: "running", limit: MOST_SHOWN }, signal }),
    refetchInterval: EVERY_MS,
  });
  return (
    <Panel title="What runs">
      <Loaded query={jobs} what="what runs">
        {(rows) => <JobTable caption="What runs" rows={rows} />}
      </Loaded>
    </Panel>
  );
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

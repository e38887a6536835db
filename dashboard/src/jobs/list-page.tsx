/** The workspace's jobs, newest first; new ones come by themselves. */
import type { Job } from "wire";
import { Link, useSearchParams } from "wouter";
import { useList } from "../api/lists";
import { Page } from "../shell/page";
import { Status } from "../ui/badge";
import { LinkButton } from "../ui/button";
import { dollars, Time, useNow } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { More } from "../ui/more";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { Filters } from "./filters";
import { skillOf, tookOf } from "./job-words";
import css from "./jobs.module.css";

const EVERY_MS = 2_500;

export default function ListPage() {
  const [search] = useSearchParams();
  const query = {
    status: search.get("status") ?? "",
    skillpack: search.get("skillpack") ?? "",
    skill: search.get("skill") ?? "",
  };
  const jobs = useList<Job>("/v1/jobs", { query, everyMs: EVERY_MS });
  const isFiltered = Object.values(query).some(Boolean);
  return (
    <Page title="Jobs" about="What ran, runs and waits, newest first.">
      <Filters />
      <Loaded query={jobs} what="the jobs">
        {(rows) => (
          <Panel title={isFiltered ? "Jobs that fit" : "All jobs"}>
            {rows.length > 0 ? <Rows rows={rows} /> : <NoJobs isFiltered={isFiltered} />}
            <More list={jobs} />
          </Panel>
        )}
      </Loaded>
    </Page>
  );
}

function Rows({ rows }: { rows: readonly Job[] }) {
  const now = useNow(1_000);
  const columns = [
    {
      title: "Job",
      cell: (job: Job) => (
        <Link href={`/jobs/${job.id}`} className={css["job"]}>
          <code>…{job.id.slice(-8)}</code>
          <span className="visually-hidden"> of {skillOf(job)}</span>
        </Link>
      ),
    },
    { title: "Skill", cell: skillOf },
    { title: "Status", cell: (job: Job) => <Status status={job.status} /> },
    { title: "Submitted", cell: (job: Job) => <Time at={job.created_at} /> },
    { title: "Took", cell: (job: Job) => tookOf(job, now) ?? "–", isNumber: true },
    { title: "Version", cell: ({ version }: Job) => version, isNumber: true },
    { title: "Cost", cell: (job: Job) => dollars(job.cost_micros), isNumber: true },
  ];
  return <Table caption="Jobs" columns={columns} rows={rows} rowKey={({ id }) => id} />;
}

function NoJobs({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No job fits">Take a filter away to see more.</Empty>;
  return (
    <Empty title="Nothing ran yet">
      <LinkButton href="/skills">Run a skill</LinkButton>
    </Empty>
  );
}

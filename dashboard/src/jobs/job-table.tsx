/** Jobs as rows; each leads to its page. */
import type { Job } from "wire";
import { Link } from "wouter";
import { Status } from "../ui/badge";
import { dollars, Time, useNow } from "../ui/figures";
import { Table } from "../ui/table";
import { skillOf, tookOf } from "./job-words";
import css from "./jobs.module.css";

export function JobTable({ caption, rows }: { caption: string; rows: readonly Job[] }) {
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
  return <Table caption={caption} columns={columns} rows={rows} rowKey={({ id }) => id} />;
}

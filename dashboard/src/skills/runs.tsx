/** The last runs of a skill in this workspace; each opens in the playground. */
import { useQuery } from "@tanstack/react-query";
import type { Job, SkillCard } from "wire";
import { Link } from "wouter";
import { call } from "../api/client";
import { Status } from "../ui/badge";
import { dollars, duration, Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { encodePath } from "./skills";

export function Runs({ card }: { card: SkillCard }) {
  const runs = useQuery({
    queryKey: ["jobs", "of-skill", card.path],
    queryFn: ({ signal }) =>
      call<Job[]>("/v1/jobs", {
        query: { skillpack: card.skillpack, skill: card.skill, limit: 25 },
        signal,
      }),
    refetchInterval: 10_000,
  });
  return (
    <Panel title="Recent runs">
      <Loaded query={runs} what="the runs">
        {(jobs) =>
          jobs.length > 0 ? (
            <RunTable card={card} jobs={jobs} />
          ) : (
            <Empty title="It has not run yet" />
          )
        }
      </Loaded>
    </Panel>
  );
}

function RunTable({ card, jobs }: { card: SkillCard; jobs: Job[] }) {
  const columns = [
    {
      title: "Run",
      cell: (job: Job) => (
        <Link href={`/${encodePath(card.path)}?job=${job.id}`}>
          <code>{job.id.slice(-12)}</code>
        </Link>
      ),
    },
    { title: "Status", cell: (job: Job) => <Status status={job.status} /> },
    { title: "Submitted", cell: (job: Job) => <Time at={job.created_at} /> },
    { title: "Version", cell: (job: Job) => job.version, isNumber: true },
    { title: "Took", cell: tookOf, isNumber: true },
    { title: "Cost", cell: (job: Job) => dollars(job.cost_micros), isNumber: true },
  ];
  return <Table caption="Recent runs" columns={columns} rows={jobs} rowKey={(job) => job.id} />;
}

function tookOf({ started_at, finished_at }: Job): string {
  if (!started_at || !finished_at) return "–";
  return duration(Date.parse(finished_at) - Date.parse(started_at));
}

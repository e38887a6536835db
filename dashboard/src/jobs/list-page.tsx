/** The workspace's jobs, newest first; new ones come by themselves. */
import type { Job } from "wire";
import { useSearchParams } from "wouter";
import { useList } from "../api/lists";
import { Page } from "../shell/page";
import { LinkButton } from "../ui/button";
import { Loaded } from "../ui/loaded";
import { More } from "../ui/more";
import { Empty, Panel } from "../ui/panel";
import { Filters } from "./filters";
import { JobTable } from "./job-table";

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
            {rows.length > 0 ? (
              <JobTable caption="Jobs" rows={rows} />
            ) : (
              <NoJobs isFiltered={isFiltered} />
            )}
            <More list={jobs} />
          </Panel>
        )}
      </Loaded>
    </Page>
  );
}

function NoJobs({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No job fits">Take a filter away to see more.</Empty>;
  return (
    <Empty title="Nothing ran yet">
      <LinkButton href="/skills">Run a skill</LinkButton>
    </Empty>
  );
}

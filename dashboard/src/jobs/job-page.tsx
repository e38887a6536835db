/** A job: what was asked, what happened and came of it, where its time and its money went. */
import type { JobEvent } from "puras";
import { useJob } from "puras/react";
import { useState } from "react";
import type { Job } from "wire";
import { Link, useParams } from "wouter";
import { useSignedIn } from "../session/use-session";
import { Page } from "../shell/page";
import { encodePath } from "../skills/skills";
import { Button } from "../ui/button";
import { Facts } from "../ui/facts";
import { Time } from "../ui/figures";
import { Failure, Loading } from "../ui/loaded";
import { Panel } from "../ui/panel";
import { attemptsOf } from "./attempts";
import { Costs } from "./costs";
import { History } from "./history";
import { Inputs } from "./inputs";
import { isOver, skillOf } from "./job-words";
import { useSkillOf } from "./jobs";
import css from "./jobs.module.css";
import { KeyName } from "./key-name";
import { ReplayDialog } from "./replay-dialog";
import { RunShown } from "./run-view";
import { ShareDialog } from "./share-dialog";
import { Waterfall } from "./waterfall";

const CRUMBS = [{ label: "Jobs", href: "/jobs" }];

export default function JobPage() {
  const { id = "" } = useParams();
  // Another job is another page: nothing of the one before stays.
  return <JobShown key={id} id={id} />;
}

function JobShown({ id }: { id: string }) {
  const view = useJob(id);
  const [open, setOpen] = useState<"replay" | "share">();
  const job = view.job as Job | undefined;
  const skill = useSkillOf(job);
  if (!job)
    return (
      <Page title="Job" crumbs={CRUMBS}>
        {waiting(view.error)}
      </Page>
    );
  const close = () => setOpen(undefined);
  const canReplay = !job.skill_name.includes("/");
  return (
    <Page
      title={skill?.title ?? job.skill_name}
      crumbs={CRUMBS}
      actions={
        <>
          <Button onClick={() => setOpen("share")}>Share as a fixture</Button>
          {canReplay && <Button onClick={() => setOpen("replay")}>Run again</Button>}
        </>
      }
    >
      <About job={job} events={view.events} />
      <RunShown jobId={id} outputSchema={skill?.output_schema} view={view} />
      <div className={css["columns"]}>
        <Inputs job={job} schema={skill?.input_schema} />
        <Costs job={job} />
      </div>
      <Waterfall job={job} />
      <History events={view.events} />
      {open === "share" && <ShareDialog job={job} events={view.events} onClose={close} />}
      {open === "replay" && <ReplayDialog job={job} onClose={close} />}
    </Page>
  );
}

function waiting(error: Error | undefined) {
  return error ? <Failure error={error} /> : <Loading what="the job" />;
}

function About({ job, events }: { job: Job; events: readonly JobEvent[] }) {
  // A job that goes on is known as it was when it was read; its events know what came after.
  const began = job.started_at ?? attemptsOf(events).at(-1)?.startedAt;
  const facts = [
    { name: "Skill", value: <SkillLink job={job} /> },
    { name: "Submitted", value: <Time at={job.created_at} /> },
    { name: "Began", value: began ? <Time at={began} /> : "not yet" },
    {
      name: "Ended",
      value: job.finished_at && isOver(job.status) && <Time at={job.finished_at} />,
    },
    { name: "Came by", value: job.source },
    { name: "Key", value: job.key_id && <KeyName id={job.key_id} /> },
    { name: "Score", value: job.eval_score },
    { name: "Started by", value: job.parent_job_id && <ParentLink id={job.parent_job_id} /> },
  ];
  return (
    <Panel title="About it">
      <Facts facts={facts.filter(({ value }) => value !== false && value !== "")} />
    </Panel>
  );
}

function ParentLink({ id }: { id: string }) {
  return (
    <Link href={`/jobs/${id}`}>
      job <code>…{id.slice(-8)}</code>
    </Link>
  );
}

/** A subskill, and a prompt on its own, have no page. */
function SkillLink({ job }: { job: Job }) {
  const workspace = useSignedIn()?.workspace ?? "";
  const name = skillOf(job);
  if (job.skillpack.startsWith("@") || job.skill_name.includes("/")) return <>{name}</>;
  const path = job.skillpack.includes("/") ? name : `${workspace}/${name}`;
  return <Link href={`/${encodePath(path)}`}>{name}</Link>;
}

/** A job, live: how far it is, what it waits for, what it does, and then its result. */
import { useMutation } from "@tanstack/react-query";
import { JobError, type JobEvent } from "puras";
import { type JobView, useJob } from "puras/react";
import { useDeferredValue, useMemo } from "react";
import type { Job } from "wire";
import { puras } from "../api/client";
import { told } from "../api/refusal";
import type { Node } from "../playground/schema";
import { Status } from "../ui/badge";
import { Button } from "../ui/button";
import { CodeLine } from "../ui/code";
import { dollars, duration, useNow } from "../ui/figures";
import { Loading } from "../ui/loaded";
import { Progress } from "../ui/meter";
import { Notice, Panel } from "../ui/panel";
import { Feedback } from "./feedback";
import { Log } from "./log";
import { Questions } from "./questions";
import { Result } from "./result";
import { type Used, usedBy } from "./rows";
import css from "./run.module.css";
import { advanceOf, questionsOf } from "./told";
import { treeOf } from "./tree";

type AnyView = JobView<Record<string, unknown>>;

const OVER = new Set(["succeeded", "failed", "cancelled"]);

export interface RunViewProps {
  jobId: string;
  /** How the result is shown; without it, as JSON. */
  outputSchema: Node | null | undefined;
}

export function RunView(props: RunViewProps) {
  return <RunShown {...props} view={useJob(props.jobId)} />;
}

/** The same for who has the job's view already. */
export function RunShown({ jobId, outputSchema, view }: RunViewProps & { view: AnyView }) {
  const { job, status, events, result, error } = view;
  // A run that says much is drawn as often as the browser can, not as often as something is said.
  const told = useDeferredValue(events);
  const tree = useMemo(() => treeOf(told), [told]);
  const used = useMemo(() => usedBy(tree), [tree]);
  const cancel = useMutation({ mutationFn: () => puras.cancel(jobId) });
  const isOver = OVER.has(status);
  const shown = job as Job | undefined;
  return (
    <div className={css["run"]}>
      <Panel
        title={
          <span className={css["title"]}>
            Run <Status status={status} />
          </span>
        }
        actions={
          !isOver && (
            <Button kind="danger" isBusy={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel
            </Button>
          )
        }
      >
        <p role="status" className="visually-hidden">
          The run is {status}
        </p>
        {!isOver && <Advance events={events} />}
        <Trouble status={status} error={error} job={shown} />
        <Questions questions={questionsOf(events)} isOver={isOver} />
        {shown ? <Facts job={shown} used={used} isOver={isOver} /> : <JobLoading error={error} />}
        {result !== undefined && shown && <Result job={shown} schema={outputSchema} />}
        {isOver && shown && <Feedback jobId={jobId} />}
      </Panel>
      <Panel title="What happened">
        <Log tree={tree} isLive={shown !== undefined && !isOver} />
      </Panel>
    </div>
  );
}

function Advance({ events }: { events: readonly JobEvent[] }) {
  const { fraction, message } = advanceOf(events);
  return (
    <div className={css["advance"]}>
      <Progress label="Progress" fraction={fraction} />
      <p className={css["soft"]}>
        {fraction !== undefined && `${Math.round(fraction * 100)} % `}
        {message}
      </p>
    </div>
  );
}

interface TroubleProps {
  status: string;
  error: Error | undefined;
  job: Job | undefined;
}

/** Why it failed; or, of a job that goes on, why it can't be seen just now. */
function Trouble({ status, error, job }: TroubleProps) {
  if (!error) return null;
  if (error instanceof JobError && job) {
    if (status === "cancelled") return <Notice tone="warn" title="It was cancelled" />;
    return (
      <Notice tone="bad" title={job.error_code ? `Failed: ${job.error_code}` : "Failed"}>
        {job.error}
      </Notice>
    );
  }
  if (!job) {
    return (
      <Notice tone="bad" title="The run can't be shown">
        {told(error)}
      </Notice>
    );
  }
  return (
    <Notice tone="warn" title="The line to the server is lost">
      The run goes on; this page tries again every few seconds. {told(error)}
    </Notice>
  );
}

function JobLoading({ error }: { error: Error | undefined }) {
  return error ? null : <Loading what="the run" />;
}

function Facts({ job, used, isOver }: { job: Job; used: Used; isOver: boolean }) {
  const cost = isOver ? job.cost_micros : Math.max(job.cost_micros, used.costMicros);
  return (
    <dl className={css["facts"]}>
      <Fact name="Time">
        <Elapsed job={job} isOver={isOver} />
      </Fact>
      <Fact name="Cost">{dollars(cost)}</Fact>
      {used.tokens > 0 && <Fact name="Tokens">{used.tokens.toLocaleString("en")}</Fact>}
      <Fact name="Version">{job.version}</Fact>
      {job.attempt > 1 && <Fact name="Attempt">{job.attempt}</Fact>}
      <Fact name="Job">
        <CodeLine text={job.id} label="the job's id" />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Elapsed({ job, isOver }: { job: Job; isOver: boolean }) {
  const now = useNow(1_000);
  const began = Date.parse(job.started_at ?? job.created_at);
  const ended = isOver && job.finished_at ? Date.parse(job.finished_at) : now;
  return duration(Math.max(0, ended - began));
}

/**
 * Try a skill: its form on one side, the run on the other. The job's id is in the address, so a
 * reload, or another person, finds the same run.
 */
import { useMutation, useQuery } from "@tanstack/react-query";
import { PurasAPIError } from "puras";
import { lazy, Suspense, useState } from "react";
import type { Fault, Job, SkillCard } from "wire";
import { useSearchParams } from "wouter";
import { call, puras } from "../api/client";
import { queries } from "../api/queries";
import { told } from "../api/refusal";
import { useSignedIn } from "../session/use-session";
import { Button, LinkButton } from "../ui/button";
import { Loading } from "../ui/loaded";
import { Empty, Notice, Panel } from "../ui/panel";
import { InputForm } from "./form";
import css from "./playground.module.css";
import { isNode, type Node } from "./schema";
import { startOf } from "./values";

const RunView = lazy(async () => ({ default: (await import("../jobs/run-view")).RunView }));
const NO_FAULTS: readonly Fault[] = [];

export function Playground({ card }: { card: SkillCard }) {
  const [search, setSearch] = useSearchParams();
  const jobId = search.get("job") ?? undefined;
  const begun = useBegun(jobId);
  const run = useMutation({
    mutationFn: (inputs: Node) => puras.submit(card.path, inputs),
    onSuccess: (job) => {
      queries.setQueryData(["begun", job.id], job);
      setSearch((now) => withJob(now, job.id));
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    },
    meta: { isTold: true },
  });
  return (
    <div className={css["playground"]}>
      <Panel title="Inputs">
        {begun.isLoading ? (
          <Loading what="the inputs" />
        ) : (
          <Inputs card={card} begun={begun.data?.inputs} run={run} />
        )}
      </Panel>
      {jobId ? (
        <Suspense fallback={<Loading what="the run" />}>
          <RunView key={jobId} jobId={jobId} outputSchema={card.output_schema} />
        </Suspense>
      ) : (
        <Panel title="Run">
          <Empty title="Nothing has run yet">
            <p>What happens is shown here as it happens, and then the result.</p>
          </Empty>
        </Panel>
      )}
    </div>
  );
}

/** The job that the address named when the page was opened: the form begins with its inputs. */
function useBegun(jobId: string | undefined) {
  const [first] = useState(jobId);
  return useQuery({
    queryKey: ["begun", first],
    queryFn: ({ signal }) => call<Job>(`/v1/jobs/${encodeURIComponent(first ?? "")}`, { signal }),
    enabled: first !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

interface InputsProps {
  card: SkillCard;
  begun: Node | undefined;
  run: { mutate: (inputs: Node) => void; isPending: boolean; error: Error | null };
}

function Inputs({ card, begun, run }: InputsProps) {
  const isSignedIn = useSignedIn() !== undefined;
  const schema = isNode(card.input_schema) ? card.input_schema : {};
  const [start, setStart] = useState({ version: 0, value: begun ?? startOf(schema, schema) });
  const faults = run.error instanceof PurasAPIError ? run.error.errors : NO_FAULTS;
  const take = (inputs: Node) => {
    const value = { ...(startOf(schema, schema) as Node), ...inputs };
    setStart(({ version }) => ({ version: version + 1, value }));
  };
  return (
    <>
      <Examples card={card} onTake={take} />
      {run.error && faults.length === 0 && (
        <Notice tone="bad" title="It was not run">
          {told(run.error)}
        </Notice>
      )}
      <InputForm
        key={start.version}
        schema={schema}
        start={start.value}
        serverFaults={faults}
        isBusy={run.isPending}
        onRun={run.mutate}
      >
        {isSignedIn ? undefined : (
          <p>
            <LinkButton kind="primary" href={`/login?next=/${encodeURI(card.path)}`}>
              Sign in to run it
            </LinkButton>
          </p>
        )}
      </InputForm>
    </>
  );
}

function Examples({ card, onTake }: { card: SkillCard; onTake: (inputs: Node) => void }) {
  if (card.examples.length === 0) return null;
  return (
    <div className={css["examples"]} role="group" aria-label="Examples">
      <span>Examples</span>
      {card.examples.map((example, index) => {
        const title = example.title ?? `Example ${index + 1}`;
        return (
          <Button key={title} title={example.description} onClick={() => onTake(example.inputs)}>
            {title}
          </Button>
        );
      })}
    </div>
  );
}

function withJob(search: URLSearchParams, id: string): URLSearchParams {
  const next = new URLSearchParams(search);
  next.set("job", id);
  return next;
}

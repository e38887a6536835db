/** Components that the tests mount, under StrictMode, and whose state they read from the page. */
import { Puras } from "puras";
import { PurasProvider, useJob, useRun } from "puras/react";
import { type ReactElement, StrictMode, useEffect } from "react";
import { createRoot, type Root } from "react-dom/client";

export interface Mounting {
  apiBase: string;
  apiKey: string;
  /** Watch this job; else run `skill` with `inputs`, at once with `now`, or at a click. */
  jobId?: string;
  skill?: string;
  inputs?: Record<string, unknown>;
  now?: boolean;
}

let root: Root | undefined;

/** How often a component was rendered since it was mounted. */
let renders = 0;

function Shown({ view }: { view: ReturnType<typeof useJob> }): ReactElement {
  renders++;
  const { status, job, events, result, error } = view;
  const shown = { status, jobId: job?.id, ids: events.map(({ id }) => id), result, renders };
  return <pre>{JSON.stringify({ ...shown, error: error?.message })}</pre>;
}

function Job({ jobId }: Mounting): ReactElement {
  return <Shown view={useJob(jobId)} />;
}

function Run({ skill = "", inputs = {}, now }: Mounting): ReactElement {
  const view = useRun(skill);
  const { run, cancel } = view;
  useEffect(() => {
    if (now) void run(inputs);
  }, [now, run, inputs]);
  return (
    <>
      <button type="button" onClick={() => run(inputs)}>
        Run
      </button>
      <button type="button" onClick={cancel}>
        Cancel
      </button>
      <Shown view={view} />
    </>
  );
}

const page = {
  mount(mounting: Mounting): void {
    const { apiKey, apiBase } = mounting;
    renders = 0;
    root = createRoot(document.body.appendChild(document.createElement("main")));
    root.render(
      <StrictMode>
        <PurasProvider client={new Puras({ apiKey, apiBase })}>
          {mounting.jobId ? <Job {...mounting} /> : <Run {...mounting} />}
        </PurasProvider>
      </StrictMode>,
    );
  },
  unmount(): void {
    root?.unmount();
  },
};

export type Page = typeof page;
Object.assign(globalThis, { page });

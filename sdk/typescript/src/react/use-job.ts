/** `useJob`: a job that somebody submitted, shown live. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { type Fetching, Follower, quiet } from "./follower";
import { type JobClient, useClient } from "./provider";
import { IDLE, type JobState, PENDING } from "./state";
import { Watch } from "./watch";

export interface UseJobOptions extends Fetching {
  /** Default: the client of the `PurasProvider` around. */
  client?: JobClient;
}

/** A job as it is known now, and what can be done to it. */
export interface JobView<Result> extends JobState<Result> {
  /** Ask the server to cancel the job. One that is over stays as it is. */
  readonly cancel: () => Promise<void>;
}

/**
 * Show a job live: its events as they come, then its result or its error.
 *
 * What happened before is shown as well. While the id is not known yet, the status is `idle`.
 * Leaving the page, or turning to another id, ends the watching and never the job.
 */
export function useJob<Result = Record<string, unknown>>(
  jobId: string | null | undefined,
  options: UseJobOptions = {},
): JobView<Result> {
  const client = useClient(options.client);
  const { transport = "auto", pollIntervalMs = 1500 } = options;
  const { subscribe, read } = useMemo(
    () => watched<Result>(client, jobId, { transport, pollIntervalMs }),
    [client, jobId, transport, pollIntervalMs],
  );
  const state = useSyncExternalStore(subscribe, read, read);
  const cancel = useCallback(() => quiet(cancelJob(client, jobId)), [client, jobId]);
  return useMemo(() => ({ ...state, cancel }), [state, cancel]);
}

function watched<Result>(
  client: JobClient,
  id: string | null | undefined,
  fetching: Fetching,
): Watch<Result> {
  const watch = new Watch<Result>(id ? PENDING : IDLE);
  if (id) watch.follow(new Follower(watch, { client, id, fetching }));
  return watch;
}

async function cancelJob(client: JobClient, id: string | null | undefined): Promise<void> {
  if (id) await client.cancel(id);
}

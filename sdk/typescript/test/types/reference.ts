/** The interfaces that published code was compiled against: what it may pass and may expect. */

export interface PurasOptions {
  apiKey?: string;
  skillpack?: string;
  apiBase?: string;
  timeoutMs?: number;
  fetch?: typeof fetch;
}

export interface Job {
  id: string;
  status: string;
  result?: Record<string, unknown> | null;
  error?: string | null;
  skill_name?: string;
  created_at?: string;
  [key: string]: unknown;
}

export interface JobEvent {
  id: number;
  type: string;
  payload: Record<string, unknown> | null;
  [key: string]: unknown;
}

export interface SubmitOptions {
  skillpack?: string;
  version?: number;
  wait?: boolean;
  timeoutSeconds?: number;
}

export interface WaitOptions {
  timeoutMs?: number;
  pollIntervalMs?: number;
}

export interface EventsOptions {
  afterId?: number;
  transport?: "auto" | "sse" | "poll";
  pollIntervalMs?: number;
  signal?: AbortSignal;
}

export type RunOptions = Pick<SubmitOptions, "skillpack" | "version"> & WaitOptions;

export interface Client {
  submit(skill: string, inputs?: Record<string, unknown>, options?: SubmitOptions): Promise<Job>;
  run(
    skill: string,
    inputs?: Record<string, unknown>,
    options?: RunOptions,
  ): Promise<Record<string, unknown>>;
  get(jobId: string): Promise<Job>;
  wait(jobId: string, options?: WaitOptions): Promise<Job>;
  events(jobId: string, options?: EventsOptions): AsyncGenerator<JobEvent>;
}

export interface ApiError extends Error {
  readonly status: number;
}

export interface FailedJob extends Error {
  readonly job: Job;
}

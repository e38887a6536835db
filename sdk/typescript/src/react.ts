"use client";
/**
 * `puras/react`: hooks that run a skill, or watch a job, and show it live.
 *
 * This entry alone needs React, 18 or later; nothing in `puras` imports it.
 */
export { type JobClient, PurasProvider, type PurasProviderProps } from "./react/provider";
export type { JobState, RunStatus } from "./react/state";
export { type JobView, type UseJobOptions, useJob } from "./react/use-job";
export {
  type AnySkill,
  type InputArguments,
  type RunOnceOptions,
  type RunView,
  type UseRunOptions,
  useRun,
} from "./react/use-run";

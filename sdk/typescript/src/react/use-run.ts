/** `useRun`: run a skill from a component, and show the run live. */
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Skills, SkillType, SubmitOptions } from "../types";
import type { Fetching } from "./follower";
import { type JobClient, useClient } from "./provider";
import { type Call, Runner } from "./runner";
import type { JobView } from "./use-job";

export interface UseRunOptions extends Fetching, Pick<SubmitOptions, "skillpack" | "version"> {
  /** Default: the client of the `PurasProvider` around. */
  client?: JobClient;
}

/** What belongs to one run alone. */
export type RunOnceOptions = Pick<SubmitOptions, "idempotencyKey">;

/** A skill of which nothing is known. */
export interface AnySkill extends SkillType {
  inputs: Record<string, unknown>;
  result: Record<string, unknown>;
}

/** What `run` takes. Inputs may be left out where all of them may. */
export type InputArguments<Inputs> =
  Partial<Inputs> extends Inputs
    ? [inputs?: Inputs, options?: RunOnceOptions]
    : [inputs: Inputs, options?: RunOnceOptions];

/** A run as it is known now, and what can be done. */
export interface RunView<Skill extends SkillType> extends JobView<Skill["result"]> {
  /**
   * Submit the skill with these inputs and watch it; resolves with the result.
   *
   * It rejects with what `error` shows, and with an `AbortError` when a newer run takes its place or
   * the component goes away; the job goes on. A rejection that nobody handles is silent.
   */
  readonly run: (...args: InputArguments<Skill["inputs"]>) => Promise<Skill["result"]>;
}

/**
 * Run a skill when the component says so, and show it live.
 *
 * Nothing is submitted before `run` is called. There is no time limit: a run is shown until it is
 * over. `run` and `cancel` stay the same from render to render.
 */
export function useRun<Path extends keyof Skills>(
  skill: Path,
  options?: UseRunOptions,
): RunView<Skills[Path]>;
export function useRun<Skill extends SkillType = AnySkill>(
  skill: string,
  options?: UseRunOptions,
): RunView<Skill>;
export function useRun(skill: string, options: UseRunOptions = {}): RunView<AnySkill> {
  const client = useClient(options.client);
  const [runner] = useState(() => new Runner<AnySkill["result"]>());
  const latest = useLatest({ client, skill, options });
  const { subscribe, read } = runner.watch;
  const state = useSyncExternalStore(subscribe, read, read);
  const run = useCallback(
    (inputs: AnySkill["inputs"] = {}, once: RunOnceOptions = {}) =>
      runner.run({ inputs, ...asked(latest.current, once) }),
    [runner, latest],
  );
  return useMemo(() => ({ ...state, run, cancel: runner.cancel }), [state, run, runner]);
}

interface Asked {
  readonly client: JobClient;
  readonly skill: string;
  readonly options: UseRunOptions;
}

function asked({ client, skill, options }: Asked, once: RunOnceOptions): Omit<Call, "inputs"> {
  const { transport = "auto", pollIntervalMs = 1500, client: _, ...submitting } = options;
  return {
    client,
    skill,
    submitting: { ...submitting, ...once },
    fetching: { transport, pollIntervalMs },
  };
}

/** What was passed in the last render that is on the page. */
function useLatest<Value>(value: Value): { readonly current: Value } {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

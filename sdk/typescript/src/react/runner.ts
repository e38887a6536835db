/**
 * Runs a skill for one component, one run at a time.
 *
 * The rule: what was asked for is submitted, once. A newer run takes the place of the one before,
 * which is no longer watched but goes on; if it was not sent yet, it never is.
 */
import type { Job, SubmitOptions } from "../types";
import { type Fetching, Follower, notWatched, quiet } from "./follower";
import type { JobClient } from "./provider";
import { IDLE, PENDING, withError, withJob } from "./state";
import { Watch } from "./watch";

/** One run: with which client, of what, how. */
export interface Call {
  readonly client: JobClient;
  readonly skill: string;
  readonly inputs: Record<string, unknown>;
  readonly submitting: SubmitOptions;
  readonly fetching: Fetching;
}

interface Turn {
  readonly call: Call;
  submitted?: Promise<Job>;
}

export class Runner<Result> {
  readonly watch = new Watch<Result>(IDLE);

  private turn: Turn | undefined;

  /** Submit, watch, and resolve with the result. */
  readonly run = (call: Call): Promise<Result> => {
    const turn: Turn = { call };
    this.turn = turn;
    this.watch.follow();
    this.watch.show(() => PENDING);
    turn.submitted = quiet(this.submit(turn));
    return quiet(this.watchJob(turn, turn.submitted));
  };

  /** Cancel the job of the newest run, if it has one. */
  readonly cancel = (): Promise<void> => quiet(this.cancelJob(this.turn));

  private async submit(turn: Turn): Promise<Job> {
    const { client, skill, inputs, submitting } = turn.call;
    await Promise.resolve();
    this.check(turn);
    try {
      return await client.submit(skill, inputs, submitting);
    } catch (error) {
      if (turn === this.turn) this.watch.show((state) => withError(state, error as Error));
      throw error;
    }
  }

  private async watchJob(turn: Turn, submitted: Promise<Job>): Promise<Result> {
    const job = await submitted;
    this.check(turn);
    const { client, fetching } = turn.call;
    const follower = new Follower(this.watch, { client, id: job.id, job, fetching });
    this.watch.show((state) => withJob(state, job));
    this.watch.follow(follower);
    return follower.outcome;
  }

  private async cancelJob(turn: Turn | undefined): Promise<void> {
    const job = await turn?.submitted?.catch(() => undefined);
    if (job) await turn?.call.client.cancel(job.id);
  }

  private check(turn: Turn): void {
    if (turn !== this.turn) throw notWatched();
  }
}

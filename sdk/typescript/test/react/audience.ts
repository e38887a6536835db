/** A component that looks at a watch, without React: it keeps every state that it was shown. */
import type { JobState } from "../../src/react/state";
import type { Watch } from "../../src/react/watch";

export class Audience<Result> {
  readonly shown: JobState<Result>[] = [];
  readonly leave: () => void;

  private readonly listeners = new Set<() => void>();

  constructor(private readonly watch: Watch<Result>) {
    this.leave = watch.subscribe(() => {
      this.shown.push(watch.read());
      for (const listener of [...this.listeners]) listener();
    });
  }

  get state(): JobState<Result> {
    return this.watch.read();
  }

  /** Resolves once a state like that is shown. */
  async until(condition: (state: JobState<Result>) => boolean): Promise<JobState<Result>> {
    while (!condition(this.state)) {
      await new Promise<void>((resolve) => {
        this.listeners.add(resolve);
      });
      this.listeners.clear();
    }
    return this.state;
  }
}

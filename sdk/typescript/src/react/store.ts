/**
 * Holds what is shown, and tells React when it changed.
 *
 * The rule: events are gathered and shown together, at most once in `FRAME_MS`, so ten thousand of
 * them do not render ten thousand times; anything else is shown at once.
 */
import type { JobEvent } from "../types";
import { type JobState, withEvents } from "./state";

const FRAME_MS = 16;

export abstract class Store<Result> {
  private readonly listeners = new Set<() => void>();
  private gathered: JobEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private shown: JobState<Result>) {}

  /** Called whenever a listener comes or goes. */
  protected abstract onAudience(): void;

  /** The state that is shown: the same object until something changes. */
  readonly read = (): JobState<Result> => this.shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.onAudience();
    return () => {
      this.listeners.delete(listener);
      this.onAudience();
    };
  };

  protected get hasAudience(): boolean {
    return this.listeners.size > 0;
  }

  /** Show a change, and with it the events that were gathered before. */
  show(change: (state: JobState<Result>) => JobState<Result>): void {
    this.shown = change(this.withGathered());
    for (const listener of [...this.listeners]) listener();
  }

  /** Gather an event, to be shown with the others of its moment. */
  gather(event: JobEvent): void {
    this.gathered.push(event);
    this.timer ??= setTimeout(() => this.show((state) => state), FRAME_MS);
  }

  private withGathered(): JobState<Result> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const events = this.gathered;
    this.gathered = [];
    return events.length > 0 ? withEvents(this.shown, events) : this.shown;
  }
}

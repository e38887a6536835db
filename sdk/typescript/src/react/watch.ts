/**
 * A store whose job is followed while a component looks at it.
 *
 * The rule: what a component does to it counts a microtask later. React's StrictMode takes every
 * component out and puts it back in one go, and that must cost neither a connection nor a submit.
 */
import type { Follower } from "./follower";
import { Store } from "./store";
import { onWake } from "./wake";

export class Watch<Result> extends Store<Result> {
  private follower: Follower<Result> | undefined;
  private isGone = false;
  private forgetWake: (() => void) | undefined;

  /** Follow this one, while somebody looks, and let go of the one before. */
  follow(follower?: Follower<Result>): void {
    this.follower?.leave();
    this.follower = follower;
    if (this.forgetWake) follower?.start();
    else if (this.isGone) follower?.leave();
  }

  protected override async onAudience(): Promise<void> {
    await Promise.resolve();
    if (this.hasAudience && !this.forgetWake) this.begin();
    if (!this.hasAudience && this.forgetWake) this.rest(this.forgetWake);
  }

  private begin(): void {
    this.forgetWake = onWake(() => this.follower?.restart());
    this.follower?.start();
  }

  private rest(forgetWake: () => void): void {
    forgetWake();
    this.forgetWake = undefined;
    this.isGone = true;
    this.follower?.leave();
  }
}

import type { JobEvent } from "puras";
import type { RunStatus } from "puras/react";

/** How far a job is: the last `progress` event that it sent. */
export function Progress({ status, events }: { status: RunStatus; events: readonly JobEvent[] }) {
  const last = events.findLast((event) => event.type === "progress")?.payload;
  const done = status === "succeeded" ? 1 : Number(last?.["fraction"] ?? 0);

  return (
    <div className="progress">
      <div
        className={status}
        role="progressbar"
        aria-label="Progress"
        aria-valuenow={Math.round(done * 100)}
        style={{ width: `${done * 100}%` }}
      />
      <small>{status === "running" && last ? String(last["message"]) : status}</small>
    </div>
  );
}

/** Gives a job away as a fixture: to be copied, or as a file. */
import type { JobEvent } from "puras";
import { useMemo } from "react";
import type { Job } from "wire";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/code";
import { Dialog, DialogActions } from "../ui/dialog";
import { bytes } from "../ui/figures";
import { fixtureOf } from "./fixture";
import css from "./jobs.module.css";

export interface ShareDialogProps {
  job: Job;
  events: readonly JobEvent[];
  onClose: () => void;
}

export function ShareDialog({ job, events, onClose }: ShareDialogProps) {
  const text = useMemo(() => `${JSON.stringify(fixtureOf(job, events), null, 2)}\n`, [job, events]);
  const name = `${job.skill_name.replaceAll("/", "-")}-${job.id.slice(-8)}.json`;
  return (
    <Dialog title="Share it as a fixture" isOpen onClose={onClose}>
      <div className={css["form"]}>
        <p>
          One JSON file with the request, what came of it and its {events.length} events, to be
          tested with: {bytes(new Blob([text]).size)}. Signed addresses of files are left out; look
          for anything else that is nobody's business.
        </p>
        <DialogActions>
          <CopyButton text={text} label="the fixture" />
          <Button kind="primary" onClick={() => save(text, name)}>
            Download
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

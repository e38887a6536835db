/** Submits a job's inputs again, on the same version or on another. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Deployment, Job } from "wire";
import { useLocation } from "wouter";
import { call } from "../api/client";
import { Button } from "../ui/button";
import { Dialog, DialogActions } from "../ui/dialog";
import { Field, Select } from "../ui/field";
import { tellDone } from "../ui/toasts";
import { useVersions } from "./jobs";
import css from "./jobs.module.css";

export function ReplayDialog({ job, onClose }: { job: Job; onClose: () => void }) {
  const [, navigate] = useLocation();
  const versions = useVersions(job).data ?? [];
  const [version, setVersion] = useState(String(job.version));
  const replay = useMutation({
    mutationFn: () =>
      call<Job>(`/v1/jobs/${job.id}/replay`, {
        method: "POST",
        // Left out for its own version, which a prompt on its own has none of.
        query: { version: version === String(job.version) ? undefined : version },
      }),
    onSuccess: ({ id }) => {
      onClose();
      tellDone("It runs again", "This is the new job.");
      navigate(`/jobs/${id}`);
    },
  });
  return (
    <Dialog title="Run it again" isOpen onClose={onClose}>
      <div className={css["form"]}>
        <p>A new job with the same inputs. What it costs is paid again.</p>
        <Field label="Version">
          {(ties) => (
            <Select {...ties} value={version} onChange={(event) => setVersion(event.target.value)}>
              {choicesOf(job, versions).map(([number, label]) => (
                <option key={number} value={number}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" isBusy={replay.isPending} onClick={() => replay.mutate()}>
            Run
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

/** Its own version first, then the others, newest first. */
function choicesOf(job: Job, versions: readonly Deployment[]): [number, string][] {
  const others = versions
    .filter(({ version }) => version !== job.version)
    .map((each): [number, string] => [
      each.version,
      `${each.version}${each.is_active ? ", the active one" : ""}${each.notes ? `: ${each.notes}` : ""}`,
    ]);
  return [[job.version, `${job.version}, as before`], ...others];
}

/** Tell whether a job has reached a status that never changes. */
export function isOver(job: { readonly status?: unknown }): boolean {
  return /^(succeeded|failed|cancelled)$/.test(`${job.status}`);
}

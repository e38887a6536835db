/** What is read of a job besides itself. */
import { useQuery } from "@tanstack/react-query";
import type { Deployment, Job, JobCosts, ManifestSkill, Span } from "wire";
import { call } from "../api/client";
import { isOver } from "./job-words";

const LIVE_MS = 2_000;

/** The spans of a job; read again as long as it is at work. */
export function useSpans({ id, status }: Job) {
  return useQuery({
    queryKey: ["jobs", id, "spans", isOver(status)],
    queryFn: ({ signal }) => call<Span[]>(`/v1/jobs/${id}/spans`, { signal }),
    refetchInterval: isOver(status) ? false : LIVE_MS,
    placeholderData: (before) => before,
  });
}

export function useCosts({ id, status }: Job) {
  return useQuery({
    queryKey: ["jobs", id, "costs", isOver(status)],
    queryFn: ({ signal }) => call<JobCosts>(`/v1/jobs/${id}/costs`, { signal }),
    refetchInterval: isOver(status) ? false : LIVE_MS,
    placeholderData: (before) => before,
  });
}

/** The versions of a job's skillpack, newest first; none where it is not this workspace's. */
export function useVersions(job: Job | undefined) {
  return useQuery({
    queryKey: ["skillpacks", job?.skillpack_id, "deployments"],
    queryFn: ({ signal }) =>
      call<Deployment[]>(`/v1/skillpacks/${job?.skillpack_id}/deployments`, {
        query: { limit: 200 },
        signal,
      }),
    enabled: job !== undefined && !job.skillpack.startsWith("@"),
    retry: false,
  });
}

/** The skill as the version has it that the job ran on; undefined while that is not known. */
export function useSkillOf(job: Job | undefined): ManifestSkill | undefined {
  const versions = useVersions(job);
  const version = versions.data?.find(({ id }) => id === job?.deployment_id);
  return version?.manifest.skills.find(({ name }) => name === job?.skill_name);
}

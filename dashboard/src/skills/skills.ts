/** What is read of skills: the workspace's, and one with its card. */
import { useQuery } from "@tanstack/react-query";
import type { Deployment, ManifestSkill, SkillCard, Skillpack } from "wire";
import { call } from "../api/client";

export interface ListedSkill {
  readonly skillpack: Skillpack;
  readonly version: number;
  readonly skill: ManifestSkill;
}

/** All skills that can be called: those of the active deployments, without subskills. */
export function useSkills() {
  return useQuery({ queryKey: ["skills"], queryFn: ({ signal }) => listSkills(signal) });
}

export function useSkillCard(path: string) {
  return useQuery({
    queryKey: ["skills", path],
    queryFn: ({ signal }) => call<SkillCard>(`/v1/skills/${encodePath(path)}`, { signal }),
  });
}

async function listSkills(signal: AbortSignal): Promise<ListedSkill[]> {
  const packs = await call<Skillpack[]>("/v1/skillpacks", { query: { limit: 200 }, signal });
  const deployed = packs.filter((pack) => pack.active_deployment_id);
  const lists = await Promise.all(deployed.map((pack) => skillsOf(pack, signal)));
  return lists.flat();
}

async function skillsOf(pack: Skillpack, signal: AbortSignal): Promise<ListedSkill[]> {
  const path = `/v1/skillpacks/${pack.id}/deployments`;
  const deployments = await call<Deployment[]>(path, { query: { limit: 200 }, signal });
  const active = deployments.find((deployment) => deployment.is_active);
  const skills = active?.manifest.skills.filter((skill) => skill.parent === null) ?? [];
  return skills.map((skill) => ({ skillpack: pack, version: active?.version ?? 0, skill }));
}

export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

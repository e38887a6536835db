/** What is read of skillpacks: all of them, one, its versions, what those are made of, its secrets. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { BundleFiles, BundleFileText, Deployment, Secret, Skillpack } from "wire";
import { call, callPage } from "../api/client";
import { queries } from "../api/queries";
import { useSignedIn } from "../session/use-session";

const PAGE = 200;

export function useSkillpacks() {
  return useQuery({
    queryKey: ["skillpacks"],
    queryFn: ({ signal }) => all<Skillpack>(`/v1/skillpacks?limit=${PAGE}`, signal),
  });
}

export function useSkillpack(slug: string) {
  return useQuery({
    queryKey: ["skillpacks", slug],
    queryFn: ({ signal }) => call<Skillpack>(packPath(slug), { signal }),
  });
}

export interface Versions {
  /** Newest first; the active one is always among them. */
  readonly items: readonly Deployment[];
  readonly hasMore: boolean;
}

/** Read `wanted` versions, and on as far as the active one. */
export function useVersions(slug: string, wanted = 50) {
  return useQuery({
    queryKey: ["skillpacks", slug, "versions", wanted],
    queryFn: ({ signal }) => listVersions(slug, wanted, signal),
    placeholderData: keepPreviousData,
  });
}

/** The files of a version; with a base, also how they differ from that version's. */
export function useFiles(slug: string, of: { version: Deployment; base: number | undefined }) {
  const { version, base } = of;
  return useQuery({
    queryKey: ["skillpacks", slug, "files", version.id, base],
    queryFn: ({ signal }) => {
      const path = `${packPath(slug)}/deployments/${version.id}/files`;
      return call<BundleFiles>(path, { query: { base }, signal });
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Read one file of a version, which never changes. */
export async function readText(
  slug: string,
  file: { deploymentId: string; path: string },
  signal?: AbortSignal,
): Promise<BundleFileText> {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  return call<BundleFileText>(`${packPath(slug)}/deployments/${file.deploymentId}/files/${path}`, {
    signal,
  });
}

export function useSecrets(slug: string) {
  return useQuery({
    queryKey: ["skillpacks", slug, "secrets"],
    queryFn: ({ signal }) => call<Secret[]>(`${packPath(slug)}/secrets`, { signal }),
  });
}

/** Something of a skillpack changed: read again whatever shows it. */
export async function refreshSkillpacks(): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ["skillpacks"] }),
    queries.invalidateQueries({ queryKey: ["skills"] }),
  ]);
}

/** Whether who is signed in may deploy, and change what is there. */
export function useMayChange(): boolean {
  return useSignedIn()?.power === "full";
}

export function packPath(slug: string): string {
  return `/v1/skillpacks/${encodeURIComponent(slug)}`;
}

/** Where a skillpack's page is. */
export function pageOf(slug: string, tab?: string): string {
  return `/skillpacks/${encodeURIComponent(slug)}${tab ? `?tab=${tab}` : ""}`;
}

async function all<Item>(path: string, signal: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  for (let next: string | undefined = path; next; ) {
    const page: Awaited<ReturnType<typeof callPage<Item>>> = await callPage<Item>(next, { signal });
    items.push(...page.items);
    next = page.next;
  }
  return items;
}

async function listVersions(slug: string, wanted: number, signal: AbortSignal): Promise<Versions> {
  const items: Deployment[] = [];
  let next: string | undefined = `${packPath(slug)}/deployments?limit=50`;
  while (next && (items.length < wanted || !(await isWhole(slug, items, signal)))) {
    const page: Awaited<ReturnType<typeof callPage<Deployment>>> = await callPage(next, { signal });
    items.push(...page.items);
    next = page.next;
  }
  return { items, hasMore: next !== undefined };
}

async function isWhole(slug: string, items: Deployment[], signal: AbortSignal): Promise<boolean> {
  if (items.some((version) => version.is_active)) return true;
  return (await call<Skillpack>(packPath(slug), { signal })).active_deployment_id === null;
}

/**
 * What was chosen to be deployed. It is kept beside the pages, for a folder that is dropped on one
 * page is deployed on another.
 */
import { useSyncExternalStore } from "react";
import { type Bundle, bundleOf } from "./bundle/bundle";
import type { Source } from "./bundle/source";

export type Chosen =
  | { readonly status: "none" }
  | { readonly status: "packing"; readonly fraction: number | undefined }
  | { readonly status: "ready"; readonly bundle: Bundle }
  | { readonly status: "refused"; readonly error: unknown };

let chosen: Chosen = { status: "none" };
let turn = 0;
const listeners = new Set<() => void>();

/** Pack what is being read; what was chosen before is forgotten. */
export async function choose(reading: Promise<Source>): Promise<void> {
  turn += 1;
  const mine = turn;
  const tell = (next: Chosen) => mine === turn && show(next);
  tell({ status: "packing", fraction: undefined });
  try {
    const onProgress = (fraction: number) => tell({ status: "packing", fraction });
    tell({ status: "ready", bundle: await bundleOf(await reading, { onProgress }) });
  } catch (error) {
    tell({ status: "refused", error });
  }
}

export function forgetChosen(): void {
  turn += 1;
  show({ status: "none" });
}

export function useChosen(): Chosen {
  return useSyncExternalStore(subscribe, () => chosen);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function show(next: Chosen): void {
  chosen = next;
  for (const listener of [...listeners]) listener();
}

/** Which skillpack a bundle belongs to, as far as it can be told. Pure. */
import type { Skillpack } from "wire";
import type { Bundle } from "./bundle/bundle";
import { slugOf } from "./bundle/layout";

/** An existing skillpack by its slug, or one to be made. */
export interface Target {
  readonly slug: string;
  readonly name: string;
  readonly exists: boolean;
}

/**
 * Guess: the one that was asked for; the one whose id `puras.yaml` has; the one of its slug, or of
 * the folder's name. An id that this server does not know is that of another server.
 */
export function targetOf(
  bundle: Pick<Bundle, "name" | "settings">,
  packs: readonly Skillpack[],
  wanted: string | undefined,
): Target {
  const { skillpackId, slug = slugOf(bundle.name), title } = bundle.settings;
  const found =
    packs.find((pack) => pack.slug === wanted) ??
    packs.find((pack) => pack.id === skillpackId) ??
    packs.find((pack) => pack.slug === slug);
  if (found) return { slug: found.slug, name: found.name, exists: true };
  return { slug, name: title ?? (bundle.name || slug), exists: false };
}

/**
 * Every page there is: its path, its code (loaded when it is first opened), its place in the
 * navigation. The order here is the order there.
 *
 * The rule for paths: ours have two segments at most; three are a skill's own page,
 * `/workspace/skillpack/skill`. What else a page has to remember stands in its query.
 */
import {
  Blocks,
  KeyRound,
  ListChecks,
  type LucideIcon,
  Package,
  Server,
  Settings,
  Wallet,
} from "lucide-react";
import type { ComponentType } from "react";

export interface PageEntry {
  readonly path: string;
  readonly load: () => Promise<{ default: ComponentType }>;
  /** Its entry in the navigation; pages without one are reached from others. */
  readonly entry?: { readonly label: string; readonly icon: LucideIcon };
  /** Shown to visitors who are not signed in, too. */
  readonly isPublic?: boolean;
}

export const PAGES: readonly PageEntry[] = [
  {
    path: "/skills",
    load: () => import("./skills/list-page"),
    entry: { label: "Skills", icon: Blocks },
  },
  {
    path: "/jobs",
    load: () => import("./jobs/list-page"),
    entry: { label: "Jobs", icon: ListChecks },
  },
  { path: "/jobs/:id", load: () => import("./jobs/job-page") },
  {
    path: "/skillpacks",
    load: () => import("./skillpacks/list-page"),
    entry: { label: "Skillpacks", icon: Package },
  },
  { path: "/skillpacks/:slug", load: () => import("./skillpacks/pack-page") },
  { path: "/deploy", load: () => import("./deploy/deploy-page") },
  {
    path: "/keys",
    load: () => import("./keys/keys-page"),
    entry: { label: "Keys", icon: KeyRound },
  },
  {
    path: "/money",
    load: () => import("./money/money-page"),
    entry: { label: "Money", icon: Wallet },
  },
  {
    path: "/workers",
    load: () => import("./workers/workers-page"),
    entry: { label: "Workers", icon: Server },
  },
  {
    path: "/settings",
    load: () => import("./session/settings-page"),
    entry: { label: "Settings", icon: Settings },
  },
  { path: "/login", load: () => import("./session/login-page"), isPublic: true },
  {
    path: "/:workspace/:skillpack/:skill",
    load: () => import("./skills/skill-page"),
    isPublic: true,
  },
];

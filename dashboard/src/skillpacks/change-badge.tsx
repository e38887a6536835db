/** What happened to a file since the version that it is compared with. */
import type { BundleFile } from "wire";
import { Badge, type Tone } from "../ui/badge";

const TONES: Readonly<Record<string, Tone>> = { added: "good", removed: "bad", changed: "warn" };

export function ChangeBadge({ file }: { file: BundleFile }) {
  if (!file.change || file.change === "same") return null;
  return <Badge tone={TONES[file.change] ?? "neutral"}>{file.change}</Badge>;
}

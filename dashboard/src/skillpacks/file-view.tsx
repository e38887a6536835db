/** One file of a version: its text, or how it differs from the same file of another version. */
import { useQuery } from "@tanstack/react-query";
import type { BundleFile, BundleFileText, Deployment } from "wire";
import { Loaded } from "../ui/loaded";
import { Notice, Panel } from "../ui/panel";
import { ChangeBadge } from "./change-badge";
import { DiffView, TextView } from "./diff-view";
import { readText } from "./skillpacks";

export interface FileViewProps {
  slug: string;
  file: BundleFile;
  version: Deployment;
  base: Deployment | undefined;
}

export function FileView({ slug, file, version, base }: FileViewProps) {
  const of = (deployment: Deployment | undefined, isThere: boolean) =>
    deployment && isThere ? { deploymentId: deployment.id, path: file.path } : undefined;
  const here = of(version, file.change !== "removed");
  const there = of(base, file.change === "removed" || file.change === "changed");
  const texts = useQuery({
    queryKey: ["skillpacks", slug, "texts", file.path, here?.deploymentId, there?.deploymentId],
    queryFn: async ({ signal }) => {
      const [after, before] = await Promise.all(
        [here, there].map((one) => (one ? readText(slug, one, signal) : undefined)),
      );
      return { after, before };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Panel title={file.path} actions={<ChangeBadge file={file} />}>
      <Loaded query={texts} what="the file">
        {({ before, after }) => (
          <Texts
            before={before}
            after={after}
            path={file.path}
            names={[`Version ${base?.version}`, `Version ${version.version}`]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

interface TextsProps {
  before: BundleFileText | undefined;
  after: BundleFileText | undefined;
  path: string;
  names: readonly [before: string, after: string];
}

function Texts({ before, after, path, names }: TextsProps) {
  const shown = [before, after].filter((one) => one !== undefined);
  if (shown.some(({ text }) => text === null)) {
    return <Notice>It is no text, so there is nothing to be read here.</Notice>;
  }
  const isCut = shown.some(({ truncated }) => truncated);
  const [only] = shown;
  return (
    <>
      {isCut && <Notice tone="warn">It is a long file: only its first MiB is shown.</Notice>}
      {before && after ? (
        <DiffView before={before.text ?? ""} after={after.text ?? ""} names={names} />
      ) : (
        <TextView text={only?.text ?? ""} label={`The text of ${path}`} />
      )}
    </>
  );
}

/** A skillpack: its skills, its versions and what changed between them, secrets, settings. */
import type { Skillpack } from "wire";
import { useParams, useSearchParams } from "wouter";
import { DropPlace } from "../deploy/drop-place";
import { useSignedIn } from "../session/use-session";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { LinkButton } from "../ui/button";
import { CodeLine } from "../ui/code";
import { Loaded } from "../ui/loaded";
import { Tabs } from "../ui/tabs";
import { FilesTab } from "./files-tab";
import { SecretsTab } from "./secrets-tab";
import { SettingsTab } from "./settings-tab";
import { useMayChange, useSkillpack } from "./skillpacks";
import css from "./skillpacks.module.css";
import { SkillsTab } from "./skills-tab";
import { VersionsTab } from "./versions-tab";

export default function PackPage() {
  const { slug = "" } = useParams();
  const pack = useSkillpack(decodeURIComponent(slug));
  return (
    <Loaded query={pack} what="the skillpack">
      {(found) => <Shown key={found.id} pack={found} />}
    </Loaded>
  );
}

function Shown({ pack }: { pack: Skillpack }) {
  const mayChange = useMayChange();
  const workspace = useSignedIn()?.workspace ?? "";
  const deploy = `/deploy?skillpack=${encodeURIComponent(pack.slug)}`;
  return (
    <Page
      title={pack.name}
      crumbs={[{ label: "Skillpacks", href: "/skillpacks" }]}
      about={pack.description}
      actions={
        mayChange && (
          <LinkButton kind="primary" href={deploy}>
            Deploy a version
          </LinkButton>
        )
      }
    >
      <div className={css["facts"]}>
        <CodeLine text={`${workspace}/${pack.slug}`} label="the path" />
        <Badge tone={pack.public ? "good" : "neutral"}>{pack.public ? "public" : "private"}</Badge>
        {!pack.active_deployment_id && <Badge tone="warn">nothing deployed</Badge>}
      </div>
      {mayChange && <DropPlace skillpack={pack.slug} />}
      <PackTabs pack={pack} />
    </Page>
  );
}

function PackTabs({ pack }: { pack: Skillpack }) {
  const [query, setQuery] = useSearchParams();
  const tabs = [
    { id: "skills", label: "Skills", content: <SkillsTab pack={pack} /> },
    { id: "versions", label: "Versions", content: <VersionsTab pack={pack} /> },
    { id: "files", label: "Files", content: <FilesTab pack={pack} /> },
    { id: "secrets", label: "Secrets", content: <SecretsTab pack={pack} /> },
    { id: "settings", label: "Settings", content: <SettingsTab pack={pack} /> },
  ];
  const asked = query.get("tab");
  const open = tabs.some((tab) => tab.id === asked) ? (asked as string) : "skills";
  return (
    <Tabs
      label="Parts of the skillpack"
      tabs={tabs}
      open={open}
      onOpen={(tab) => setQuery({ tab }, { replace: true })}
    />
  );
}

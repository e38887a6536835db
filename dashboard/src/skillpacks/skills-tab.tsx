/** The skills of the active version; each leads to its page. */
import type { ManifestSkill, Skillpack } from "wire";
import { Link } from "wouter";
import { useSignedIn } from "../session/use-session";
import { Badge } from "../ui/badge";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { useVersions } from "./skillpacks";
import css from "./skillpacks.module.css";

export function SkillsTab({ pack }: { pack: Skillpack }) {
  const versions = useVersions(pack.slug);
  return (
    <Loaded query={versions} what="the skills">
      {({ items }) => {
        const active = items.find((version) => version.is_active);
        if (!active) return <NothingActive />;
        return (
          <Panel title={`Skills of version ${active.version}`}>
            <ul className={css["skills"]}>
              {active.manifest.skills.map((skill) => (
                <Skill key={skill.name} pack={pack} skill={skill} />
              ))}
            </ul>
          </Panel>
        );
      }}
    </Loaded>
  );
}

function Skill({ pack, skill }: { pack: Skillpack; skill: ManifestSkill }) {
  const workspace = useSignedIn()?.workspace ?? "";
  const path = [workspace, pack.slug, skill.name].map(encodeURIComponent).join("/");
  const title = skill.title ?? skill.name;
  return (
    <li className={skill.parent === null ? undefined : css["subskill"]}>
      <span className={css["badges"]}>
        {skill.parent === null ? <Link href={`/${path}`}>{title}</Link> : <strong>{title}</strong>}
        <Badge>{skill.type === "agentic" ? "agent" : "function"}</Badge>
        {skill.parent !== null && <Badge>subskill of {skill.parent}</Badge>}
      </span>
      <p className={css["soft"]}>{skill.description}</p>
    </li>
  );
}

function NothingActive() {
  return (
    <Empty title="No version is active">
      <p>Deploy a folder or a zip, or activate one of the versions.</p>
    </Empty>
  );
}

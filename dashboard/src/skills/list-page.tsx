/** The workspace's skills, by skillpack; each leads to its page and its playground. */
import { Link } from "wouter";
import { useSignedIn } from "../session/use-session";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import css from "./list.module.css";
import { encodePath, type ListedSkill, useSkills } from "./skills";

export default function ListPage() {
  const skills = useSkills();
  return (
    <Page title="Skills" about="What this workspace can do. Open one to try it.">
      <Loaded query={skills} what="the skills">
        {(listed) => (listed.length > 0 ? <Packs listed={listed} /> : <NoSkills />)}
      </Loaded>
    </Page>
  );
}

function Packs({ listed }: { listed: readonly ListedSkill[] }) {
  const packs = Map.groupBy(listed, ({ skillpack }) => skillpack.id);
  return [...packs].map(([id, skills]) => (
    <Panel
      key={id}
      title={skills[0]?.skillpack.name}
      actions={
        <>
          {skills[0]?.skillpack.public && <Badge tone="good">public</Badge>}
          <Badge>version {skills[0]?.version}</Badge>
        </>
      }
    >
      <ul className={css["cards"]}>
        {skills.map((one) => (
          <Card key={one.skill.name} {...one} />
        ))}
      </ul>
    </Panel>
  ));
}

function Card({ skillpack, skill }: ListedSkill) {
  const workspace = useSignedIn()?.workspace ?? "";
  const path = `${workspace}/${skillpack.slug}/${skill.name}`;
  return (
    <li className={css["card"]}>
      <Link href={`/${encodePath(path)}`} className={css["link"]}>
        {skill.title ?? skill.name}
      </Link>
      <p className={css["about"]}>{skill.description}</p>
      <p className={css["path"]}>
        <code>{path}</code>
        <Badge>{skill.type === "agentic" ? "agent" : "function"}</Badge>
      </p>
    </li>
  );
}

function NoSkills() {
  return (
    <Empty title="There are no skills yet">
      <p>
        Deploy a folder: <code>puras deploy examples/hello-world</code>
      </p>
    </Empty>
  );
}

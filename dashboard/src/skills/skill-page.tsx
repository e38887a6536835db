/** A skill: what it is for, what it takes and gives, and how to call it. */

import type { SkillCard } from "wire";
import { useParams } from "wouter";
import { useSignedIn } from "../session/use-session";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { CodeLine } from "../ui/code";
import { Loaded } from "../ui/loaded";
import css from "./skill.module.css";
import { useSkillCard } from "./skills";
import { Snippets } from "./snippets";

export default function SkillPage() {
  const { workspace = "", skillpack = "", skill = "" } = useParams();
  const path = [workspace, skillpack, skill].map(decodeURIComponent).join("/");
  const card = useSkillCard(path);
  return (
    <Loaded query={card} what="the skill">
      {(found) => <Shown key={found.path} card={found} />}
    </Loaded>
  );
}

function Shown({ card }: { card: SkillCard }) {
  const isSignedIn = useSignedIn() !== undefined;
  return (
    <Page
      title={card.title ?? card.skill}
      crumbs={isSignedIn ? [{ label: "Skills", href: "/skills" }] : []}
      about={card.description}
    >
      <p className={css["facts"]}>
        <CodeLine text={card.path} label="the path" />
        <Badge>version {card.version}</Badge>
        <Badge>{card.type === "agentic" ? "agent" : "function"}</Badge>
        {card.public && <Badge tone="good">public</Badge>}
      </p>
      <Snippets card={card} />
    </Page>
  );
}

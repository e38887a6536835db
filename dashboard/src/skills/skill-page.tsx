/** A skill: what it is for, a place to try it, what it takes and gives, and how to call it. */

import type { SkillCard } from "wire";
import { useParams, useSearchParams } from "wouter";
import { Playground } from "../playground/playground";
import { useSignedIn } from "../session/use-session";
import { type Crumb, Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { CodeLine } from "../ui/code";
import { Loaded } from "../ui/loaded";
import { Tabs } from "../ui/tabs";
import { Evals } from "./evals";
import { Reference } from "./reference";
import { Runs } from "./runs";
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
  const signedIn = useSignedIn();
  const [search, setSearch] = useSearchParams();
  const isOurs = signedIn?.workspace === card.workspace;
  const tabs = [
    { id: "try", label: "Try it", content: <Playground card={card} /> },
    { id: "reference", label: "Inputs and outputs", content: <Reference card={card} /> },
    { id: "call", label: "Call it", content: <Snippets card={card} /> },
    ...(isOurs
      ? [
          { id: "evals", label: "Evals", content: <Evals card={card} /> },
          { id: "runs", label: "Runs", content: <Runs card={card} /> },
        ]
      : []),
  ];
  const asked = search.get("tab");
  const open = tabs.some(({ id }) => id === asked) ? (asked as string) : "try";
  return (
    <Page
      title={card.title ?? card.skill}
      crumbs={signedIn ? crumbsOf(card, isOurs) : []}
      about={card.description}
    >
      <p className={css["facts"]}>
        <CodeLine text={card.path} label="the path" />
        <Badge>version {card.version}</Badge>
        <Badge>{card.type === "agentic" ? "agent" : "function"}</Badge>
        {card.public && <Badge tone="good">public</Badge>}
      </p>
      <Tabs
        label="About the skill"
        tabs={tabs}
        open={open}
        onOpen={(id) => setSearch((now) => withTab(now, id), { replace: true })}
      />
    </Page>
  );
}

function crumbsOf({ skillpack }: SkillCard, isOurs: boolean): Crumb[] {
  const skills = { label: "Skills", href: "/skills" };
  // Another workspace's skillpack has no page here.
  return isOurs ? [skills, { label: skillpack, href: `/skillpacks/${skillpack}` }] : [skills];
}

function withTab(search: URLSearchParams, tab: string): URLSearchParams {
  const next = new URLSearchParams(search);
  if (tab === "try") next.delete("tab");
  else next.set("tab", tab);
  return next;
}

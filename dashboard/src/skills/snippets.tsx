/** Calls of the skill, to be pasted. */
import type { SkillCard } from "wire";
import { CodeBlock } from "../ui/code";
import { Panel } from "../ui/panel";
import { Tabs } from "../ui/tabs";
import css from "./skill.module.css";

const KEY_OF_ENVIRONMENT = "The key comes from PURAS_API_KEY, in the environment.";
const LANGUAGES: readonly (readonly [keyof SkillCard["snippets"], label: string, about: string])[] =
  [
    ["python", "Python", `pip install puras. ${KEY_OF_ENVIRONMENT}`],
    ["typescript", "TypeScript", `npm install puras. ${KEY_OF_ENVIRONMENT}`],
    [
      "react",
      "React",
      "npm install puras. Put in a publishable key: whoever opens the page has it.",
    ],
    ["curl", "curl", KEY_OF_ENVIRONMENT],
    ["mcp", "MCP", "For the settings of an assistant or an editor. Put in a key made for it."],
  ];

export function Snippets({ card }: { card: SkillCard }) {
  const tabs = LANGUAGES.map(([id, label, about]) => ({
    id,
    label,
    content: (
      <div className={css["call"]}>
        <CodeBlock text={card.snippets[id]} label={`call it with ${label}`} />
        <p className={css["soft"]}>{about}</p>
      </div>
    ),
  }));
  return (
    <Panel title="Call it">
      <Tabs label="Languages" tabs={tabs} />
    </Panel>
  );
}

/** Calls of the skill, to be pasted. */
import type { SkillCard } from "wire";
import { CodeBlock } from "../ui/code";
import { Panel } from "../ui/panel";
import { Tabs } from "../ui/tabs";
import { mcpSnippet, reactSnippet } from "./snippet-texts";

export function Snippets({ card }: { card: SkillCard }) {
  const { python, typescript, curl } = card.snippets;
  const texts: [id: string, label: string, text: string][] = [
    ["python", "Python", python],
    ["typescript", "TypeScript", typescript],
    ["react", "React", reactSnippet(card, location.origin)],
    ["curl", "curl", curl],
    ["mcp", "MCP", mcpSnippet(location.origin)],
  ];
  const tabs = texts.map(([id, label, text]) => ({
    id,
    label,
    content: <CodeBlock text={text} label={`call it with ${label}`} />,
  }));
  return (
    <Panel title="Call it">
      <Tabs label="Languages" tabs={tabs} />
    </Panel>
  );
}

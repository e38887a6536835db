/** What a skill takes and gives, in words, and its examples. */
import type { SkillCard, SkillExample } from "wire";
import { Json } from "../ui/code";
import { Empty, Panel } from "../ui/panel";
import { SchemaView } from "./schema-view";
import css from "./skill.module.css";

export function Reference({ card }: { card: SkillCard }) {
  return (
    <div className={css["columns"]}>
      <Panel title="What it takes">
        <SchemaView schema={card.input_schema} what="inputs" />
        {takesFiles(card) && (
          <p className={css["soft"]}>
            A file is given as a URL, a data URI, or the path of one that is in the drive.
          </p>
        )}
      </Panel>
      <Panel title="What it gives">
        {card.output_schema ? (
          <SchemaView schema={card.output_schema} what="result" />
        ) : (
          <Empty title="Its author did not say" />
        )}
      </Panel>
      {card.examples.map((example, index) => (
        <Example key={example.title ?? index} example={example} index={index} />
      ))}
    </div>
  );
}

function takesFiles({ input_schema }: SkillCard): boolean {
  return /"(image|video|audio|file)"/.test(JSON.stringify(input_schema));
}

function Example({ example, index }: { example: SkillExample; index: number }) {
  const title = example.title ?? `Example ${index + 1}`;
  return (
    <Panel title={title}>
      {example.description && <p>{example.description}</p>}
      <h3>Inputs</h3>
      <Json value={example.inputs} label={`inputs of ${title}`} />
      {example.outputs && (
        <>
          <h3>Result, in part</h3>
          <Json value={example.outputs} label={`result of ${title}`} />
        </>
      )}
    </Panel>
  );
}

/** What changed in a text: side by side where there is room, one under the other where not. */
import { useMemo } from "react";
import { Notice } from "../ui/panel";
import { type Block, blocksOf, type Line } from "./diff";
import css from "./diff.module.css";

export interface DiffViewProps {
  before: string;
  after: string;
  /** What the two are called. */
  names: readonly [before: string, after: string];
}

export function DiffView({ before, after, names }: DiffViewProps) {
  const blocks = useMemo(() => blocksOf(before, after), [before, after]);
  if (!blocks) {
    return (
      <Notice tone="warn" title="The two have too little in common to be compared line by line">
        Choose “nothing” as what to compare with, to read this version alone.
      </Notice>
    );
  }
  if (!blocks.some((block) => block.kind === "changed")) {
    return <Notice>The lines are the same; only how the last one ends is different.</Notice>;
  }
  return (
    <div className={css["diff"]}>
      <div className={css["head"]}>
        <span>
          <span aria-hidden>− </span>
          {names[0]}
        </span>
        <span>
          <span aria-hidden>+ </span>
          {names[1]}
        </span>
      </div>
      {blocks.map((block, at) => (
        <BlockView key={at} block={block} />
      ))}
    </div>
  );
}

/** A text as it is, with the numbers of its lines. */
export function TextView({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, "").split("\n");
  return (
    <div className={css["text"]} role="group" aria-label={label} tabIndex={0}>
      <Side lines={lines.map((line, at) => ({ number: at + 1, text: line }))} sign=" " />
    </div>
  );
}

function BlockView({ block }: { block: Block }) {
  if (block.kind === "hidden") {
    return (
      <p className={css["hidden"]}>
        {block.lines === 1 ? "1 line that is the same" : `${block.lines} lines that are the same`}
      </p>
    );
  }
  const isChanged = block.kind === "changed";
  return (
    <div className={css["block"]} data-kind={block.kind}>
      <div className={css["before"]} data-empty={block.before.length === 0 || undefined}>
        {isChanged && block.before.length > 0 && <span className="visually-hidden">Removed:</span>}
        <Side lines={block.before} sign={isChanged ? "−" : " "} />
      </div>
      <div className={css["after"]} data-empty={block.after.length === 0 || undefined}>
        {isChanged && block.after.length > 0 && <span className="visually-hidden">Added:</span>}
        <Side lines={block.after} sign={isChanged ? "+" : " "} />
      </div>
    </div>
  );
}

function Side({ lines, sign }: { lines: readonly Line[]; sign: string }) {
  return lines.map((line) => (
    <div key={line.number} className={css["line"]}>
      <span className={css["number"]} aria-hidden>
        {line.number}
      </span>
      <span className={css["sign"]} aria-hidden>
        {sign}
      </span>
      <code className={css["code"]}>{line.text}</code>
    </div>
  ));
}

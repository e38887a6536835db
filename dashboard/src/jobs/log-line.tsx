/** A line of the log: what happened, whether it went well, what it said, what it was given. */
import {
  Bot,
  ChevronDown,
  ChevronRight,
  CircleDot,
  Hand,
  ListTree,
  type LucideIcon,
  MessageSquare,
  Sparkles,
  Terminal,
  Wrench,
} from "lucide-react";
import { memo, useState } from "react";
import { dollars, duration } from "../ui/figures";
import css from "./log.module.css";
import type { Row } from "./rows";
import type { Entry, EntryKind } from "./tree";

const ICONS: Readonly<Record<EntryKind, LucideIcon>> = {
  status: CircleDot,
  step: ListTree,
  model: Sparkles,
  tool: Wrench,
  subagent: Bot,
  log: Terminal,
  approval: Hand,
  note: MessageSquare,
};
const NAMES: Readonly<Record<EntryKind, string>> = {
  status: "Status",
  step: "Step",
  model: "Model",
  tool: "Tool",
  subagent: "Subagent",
  log: "Log",
  approval: "Approval",
  note: "Note",
};
const PX_A_LEVEL = 20;
const DEEPEST = 6;
const SHORT = 200;

export const LogLine = memo(function LogLine({ row, onFold }: LogLineProps) {
  const { entry, depth, isFoldable, isFolded } = row;
  const Icon = ICONS[entry.kind];
  const Fold = isFolded ? ChevronRight : ChevronDown;
  const [isWhole, setWhole] = useState(false);
  const isMore = (entry.text?.length ?? 0) > SHORT || entry.detail !== undefined;
  return (
    <div
      className={css["entry"]}
      data-kind={entry.kind}
      data-tone={entry.tone}
      style={{ paddingLeft: Math.min(depth, DEEPEST) * PX_A_LEVEL }}
    >
      {isFoldable ? (
        <button
          type="button"
          className={css["fold"]}
          aria-expanded={!isFolded}
          aria-label={`${entry.title}: what is inside`}
          onClick={() => onFold(entry.id)}
        >
          <Fold size={14} aria-hidden />
        </button>
      ) : (
        <span className={css["fold"]} />
      )}
      <Icon size={14} aria-hidden className={css["icon"]} />
      <div className={css["body"]}>
        <p className={css["head"]}>
          <span className="visually-hidden">{NAMES[entry.kind]}: </span>
          <span className={css["name"]}>{entry.title}</span>
          <span className={css["figures"]}>
            {figuresOf(entry)}
            {isMore && (
              <button
                type="button"
                className={css["more"]}
                aria-expanded={isWhole}
                aria-label={`${isWhole ? "Less" : "More"} of ${entry.title}`}
                onClick={() => setWhole(!isWhole)}
              >
                {isWhole ? "less" : "more"}
              </button>
            )}
          </span>
        </p>
        {isWhole ? <Whole entry={entry} /> : <Short entry={entry} />}
      </div>
    </div>
  );
});

interface LogLineProps {
  row: Row;
  onFold: (id: number) => void;
}

function figuresOf(entry: Entry): string {
  const took = entry.endedAt && Date.parse(entry.endedAt) - Date.parse(entry.at);
  const figures = [
    entry.isOpen && "under way",
    entry.tone === "bad" && entry.kind === "tool" && "failed",
    entry.tokens && `${entry.tokens.toLocaleString("en")} tokens`,
    entry.costMicros && dollars(entry.costMicros),
    took && duration(took),
  ];
  return figures.filter(Boolean).join(" · ");
}

function Short({ entry: { text = "" } }: { entry: Entry }) {
  return text && <p className={css["said"]}>{text.slice(0, SHORT)}</p>;
}

/** All that was said, and what a tool was given. */
function Whole({ entry: { text, detail, drivePath } }: { entry: Entry }) {
  return (
    <div className={css["whole"]}>
      {detail !== undefined && (
        <>
          <p className={css["part"]}>Given</p>
          <pre>{JSON.stringify(detail, null, 2)}</pre>
        </>
      )}
      {text && (
        <>
          {detail !== undefined && <p className={css["part"]}>Answered</p>}
          <pre>{text}</pre>
        </>
      )}
      {drivePath && <p className={css["part"]}>File: {drivePath}</p>}
    </div>
  );
}

/**
 * The tree of what happened. Only the lines in sight are on the page, so ten thousand of them scroll
 * as ten do; while the run goes on, the end stays in sight for whoever looks at the end.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Empty } from "../ui/panel";
import css from "./log.module.css";
import { LogLine } from "./log-line";
import { rowsOf } from "./rows";
import type { Entry } from "./tree";

const LINE_PX = 28;
const NEAR_END_PX = 48;
const JITTER_PX = 8;

export function Log({ tree, isLive }: { tree: readonly Entry[]; isLive: boolean }) {
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const rows = useMemo(() => rowsOf(tree, folded), [tree, folded]);
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const lastTop = useRef(0);
  const lines = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => rows[index]?.entry.id ?? index,
    overscan: 12,
  });
  // Who opens a run that is over begins at its beginning.
  const wasLive = useRef(isLive);
  useEffect(() => {
    wasLive.current ||= isLive;
    if (wasLive.current && isAtEnd.current && rows.length > 0) lines.scrollToIndex(rows.length - 1);
  }, [isLive, rows.length, lines]);
  const onFold = useCallback((id: number) => setFolded((now) => toggled(now, id)), []);
  if (rows.length === 0) return <Empty title={isLive ? "Nothing yet" : "Nothing was told"} />;
  return (
    <div
      ref={box}
      className={css["log"]}
      tabIndex={0}
      role="group"
      aria-label="Events"
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        // Lines that come leave the end behind, which is nobody's choice; going up is.
        const isUp = scrollTop < lastTop.current - JITTER_PX;
        const isNear = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
        isAtEnd.current = isNear || (isAtEnd.current && !isUp);
        lastTop.current = scrollTop;
      }}
    >
      <div role="list" className={css["lines"]} style={{ height: lines.getTotalSize() }}>
        {lines.getVirtualItems().map(({ key, index, start }) => {
          const row = rows[index];
          return (
            row && (
              // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the items of a list may have levels
              <div
                key={key}
                ref={lines.measureElement}
                data-index={index}
                role="listitem"
                aria-setsize={rows.length}
                aria-posinset={index + 1}
                aria-level={row.depth + 1}
                className={css["line"]}
                style={{ transform: `translateY(${start}px)` }}
              >
                <LogLine row={row} onFold={onFold} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

function toggled(folded: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(folded);
  if (!next.delete(id)) next.add(id);
  return next;
}

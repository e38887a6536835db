/**
 * Where a job's time went. It is a table, so that it can be read as one; the bars in its last column
 * are the picture of the figures beside them.
 */
import { useState } from "react";
import type { Job } from "wire";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { duration, useNow } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { isOver } from "./job-words";
import { useSpans } from "./jobs";
import css from "./jobs.module.css";
import { type Bar, waterfall } from "./spans";

const AT_ONCE = 200;
const INDENT_PX = 16;
const DEEPEST = 6;

export function Waterfall({ job }: { job: Job }) {
  const spans = useSpans(job);
  const now = useNow(isOver(job.status) ? 60_000 : 500);
  return (
    <Panel title="Where the time went">
      <Loaded query={spans} what="the spans">
        {(found) =>
          found.length > 0 ? (
            <Bars bars={waterfall(found, now)} />
          ) : (
            <Empty title={isOver(job.status) ? "It never began" : "No part of it is over yet"} />
          )
        }
      </Loaded>
    </Panel>
  );
}

const COLUMNS = [
  { title: "Span", cell: (bar: Bar) => <Name bar={bar} /> },
  { title: "Kind", cell: ({ span }: Bar) => <Badge>{span.kind}</Badge> },
  { title: "Began", cell: ({ beganMs }: Bar) => `+${duration(beganMs)}`, isNumber: true },
  {
    title: "Took",
    cell: ({ tookMs, isOpen }: Bar) => (isOpen ? `${duration(tookMs)} …` : duration(tookMs)),
    isNumber: true,
  },
  { title: "Timeline", cell: (bar: Bar) => <Line bar={bar} /> },
];

function Bars({ bars }: { bars: readonly Bar[] }) {
  const [shown, setShown] = useState(AT_ONCE);
  return (
    <>
      <Table
        caption="Spans"
        columns={COLUMNS}
        rows={bars.slice(0, shown)}
        rowKey={({ span }) => span.span_id}
      />
      {bars.length > shown && (
        <div>
          <Button onClick={() => setShown(shown + AT_ONCE)}>
            Show more of {bars.length.toLocaleString("en")}
          </Button>
        </div>
      )}
    </>
  );
}

function Name({ bar: { span, depth } }: { bar: Bar }) {
  const indent = Math.min(depth, DEEPEST) * INDENT_PX;
  return (
    <span className={css["span"]} style={{ paddingInlineStart: indent }}>
      {span.name}
    </span>
  );
}

function Line({ bar: { span, left, width, isOpen } }: { bar: Bar }) {
  const wide = Math.max(0.5, width * 100);
  return (
    <svg aria-hidden="true" className={css["line"]} viewBox="0 0 100 8" preserveAspectRatio="none">
      <rect width={100} height={8} className={css["ground"]} />
      <rect
        x={Math.min(left * 100, 100 - wide)}
        width={wide}
        height={8}
        className={css["bar"]}
        data-kind={span.kind}
        data-open={isOpen || undefined}
      />
    </svg>
  );
}

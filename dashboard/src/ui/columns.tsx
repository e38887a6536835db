/**
 * A chart of columns over time. The picture is one image with a summary as its name; who can't see
 * it, or wants the figures, has them in a table that unfolds below.
 */
import css from "./columns.module.css";
import { Table } from "./table";

export interface Point {
  /** Where on the axis: a day. */
  readonly label: string;
  readonly value: number;
}

export interface ColumnsProps {
  /** What the chart shows: "Spend by day". */
  title: string;
  /** What a point is: "Day". */
  axis: string;
  /** What a column's height is: "Spent". */
  measure: string;
  points: readonly Point[];
  /** How a value is written. */
  format: (value: number) => string;
}

const HEIGHT = 120;
const STEP = 10;
const GAP = 2;

export function Columns({ title, axis, measure, points, format }: ColumnsProps) {
  const most = Math.max(0, ...points.map(({ value }) => value));
  const highest = points.find(({ value }) => value === most);
  const summary = most > 0 ? `${title}: at most ${format(most)}, ${highest?.label}` : title;
  return (
    <figure className={css["figure"]}>
      <p className={css["most"]}>{format(most)}</p>
      <svg
        role="img"
        aria-label={summary}
        viewBox={`0 0 ${points.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        className={css["chart"]}
      >
        {points.map(({ label, value }, index) => (
          <Column
            key={label}
            at={index * STEP}
            share={most > 0 ? value / most : 0}
            tip={`${label}: ${format(value)}`}
          />
        ))}
      </svg>
      <p className={css["ends"]}>
        <span>{points[0]?.label}</span>
        <span>{points.at(-1)?.label}</span>
      </p>
      <details>
        <summary>As a table</summary>
        <Table
          caption={title}
          columns={[
            { title: axis, cell: ({ label }: Point) => label },
            { title: measure, cell: ({ value }) => format(value), isNumber: true },
          ]}
          rows={points.toReversed()}
          rowKey={({ label }) => label}
        />
      </details>
    </figure>
  );
}

/** One column; one that is not nothing can be seen, however small it is. */
function Column({ at, share, tip }: { at: number; share: number; tip: string }) {
  const height = share > 0 ? Math.max(2, share * HEIGHT) : 0;
  return (
    <g>
      <title>{tip}</title>
      <rect x={at} y={0} width={STEP} height={HEIGHT} className={css["room"]} />
      <rect
        x={at + GAP / 2}
        y={HEIGHT - height}
        width={STEP - GAP}
        height={height}
        className={css["column"]}
      />
    </g>
  );
}

/**
 * A job's spans as a waterfall: lines in the order of the tree, each with its place on the common
 * line of time. Pure.
 */
import type { Span } from "wire";

export interface Bar {
  readonly span: Span;
  readonly depth: number;
  /** Milliseconds after the first span began. */
  readonly beganMs: number;
  /** As long as it took, or as long as it has taken up to now. */
  readonly tookMs: number;
  readonly isOpen: boolean;
  /** Where it begins and how wide it is, as shares of the whole time. */
  readonly left: number;
  readonly width: number;
}

/** Lay the spans out; those that are not over reach to `now`. */
export function waterfall(spans: readonly Span[], now: number): Bar[] {
  const first = Math.min(...spans.map(beginning));
  const last = Math.max(...spans.map((span) => ending(span, now)));
  const whole = Math.max(1, last - first);
  return ordered(spans).map(({ span, depth }) => {
    const beganMs = beginning(span) - first;
    const tookMs = Math.max(0, ending(span, now) - beginning(span));
    const isOpen = span.duration_ms === null;
    return { span, depth, beganMs, tookMs, isOpen, left: beganMs / whole, width: tookMs / whole };
  });
}

/** Parents before what is inside of them, each in the order of their beginning. */
function ordered(spans: readonly Span[]): { span: Span; depth: number }[] {
  const inside = new Map<string | null, Span[]>(spans.map(({ span_id }) => [span_id, []]));
  inside.set(null, []);
  for (const span of spans) {
    (inside.get(span.parent_span_id) ?? inside.get(null))?.push(span);
  }
  const lines: { span: Span; depth: number }[] = [];
  const add = (parent: string | null, depth: number) => {
    const children = inside.get(parent)?.toSorted((a, b) => beginning(a) - beginning(b)) ?? [];
    for (const span of children) {
      lines.push({ span, depth });
      add(span.span_id, depth + 1);
    }
  };
  add(null, 0);
  return lines;
}

function beginning(span: Span): number {
  return Date.parse(span.started_at);
}

function ending(span: Span, now: number): number {
  return span.duration_ms === null
    ? Math.max(now, beginning(span))
    : beginning(span) + span.duration_ms;
}

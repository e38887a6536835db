/** Times, money and sizes, said the same way everywhere. The formatters are pure. */
import { useEffect, useState } from "react";

const MICROS = 1_000_000;
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Micros as dollars: two digits, or as many as it takes to see a small sum. */
export function dollars(micros: number): string {
  const amount = Math.abs(micros) / MICROS;
  const digits = amount === 0 || amount >= 0.1 ? 2 : amount >= 0.001 ? 4 : 6;
  return `${micros < 0 ? "−" : ""}$${amount.toLocaleString("en", {
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  })}`;
}

/** Micros as dollars to the last digit, for sums that have to come out. */
export function exactDollars(micros: number): string {
  const amount = (Math.abs(micros) / MICROS).toLocaleString("en", {
    minimumFractionDigits: 2,
    maximumFractionDigits: 6,
  });
  return `${micros < 0 ? "−" : ""}$${amount}`;
}

/** Milliseconds as a person says them: 340 ms, 4.2 s, 3 min 5 s. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

export function bytes(size: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let [left, unit] = [size, 0];
  while (left >= 1024 && unit < units.length - 1) [left, unit] = [left / 1024, unit + 1];
  return `${unit === 0 ? left : left.toFixed(1)} ${units[unit]}`;
}

/** How long ago, or how soon. */
export function ago(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1_000;
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return RELATIVE.format(Math.trunc(seconds / length), unit);
  }
  return Math.abs(seconds) < 5 ? "just now" : RELATIVE.format(Math.trunc(seconds), "second");
}

/** A moment, told from now; the exact time is in its title. */
export function Time({ at }: { at: string }) {
  const now = useNow(10_000);
  return (
    <time dateTime={at} title={EXACT.format(new Date(at))}>
      {ago(at, now)}
    </time>
  );
}

/** The present, which moves on every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

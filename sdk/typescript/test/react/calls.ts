/** Calls of the hooks as somebody writes them: checked by the compiler, never run. */
import { type RunView, useJob, useRun } from "../../src/react";

interface Card {
  inputs: { name: string; color?: string };
  result: { message: string };
}

declare module "../../src/types" {
  interface Skills {
    "acme/cards/card": Card;
    "acme/cards/random": { inputs: { color?: string }; result: { message: string } };
  }
}

export async function byPath(): Promise<string> {
  const card = useRun("acme/cards/card");
  const { message } = await card.run({ name: "Ada" }, { idempotencyKey: "order-1" });
  // @ts-expect-error: `name` is required
  card.run();
  // @ts-expect-error: there is no `nmae`
  card.run({ nmae: "Ada" });
  // @ts-expect-error: a result has no `mesage`
  card.result?.mesage;
  const random = useRun("acme/cards/random", { version: 3, transport: "poll" });
  return message + (await random.run()).message;
}

export async function byType(path: string): Promise<string> {
  const card: RunView<Card> = useRun<Card>(path);
  // @ts-expect-error: a name is a text
  card.run({ name: 7 });
  return (await card.run({ name: "Ada" })).message;
}

export async function unknown(): Promise<unknown[]> {
  const skill = useRun("somebody/elses/skill");
  const result: Record<string, unknown> = await skill.run({ any: 1 });
  await skill.run();
  const job = useJob<Card["result"]>(skill.job?.id);
  const text: string | undefined = job.result?.message;
  const status: string = job.status;
  return [result["n"], text, status, job.events[0]?.payload?.["fraction"]];
}

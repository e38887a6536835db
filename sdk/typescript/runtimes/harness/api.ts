/** What the tests ask of the server themselves, beside the SDK that they test. */
import { inject } from "vitest";

type Fields = Record<string, unknown>;

export const { url: API, key: SECRET_KEY } = inject("server");

/** Call the API with the secret key. */
export async function ask<Answer = Fields>(path: string, body?: Fields): Promise<Answer> {
  const response = await fetch(API + path, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${SECRET_KEY}`, "Content-Type": "application/json" },
    body: body ? JSON.stringify(body) : null,
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** Mint a publishable key for all skills, unless `fence` says otherwise, and more. */
export async function publishableKey(fence: Fields = {}): Promise<string> {
  const row = { name: "a page", kind: "publishable", skills: "all", ...fence };
  return (await ask<{ key: string }>("/v1/keys", row)).key;
}

/** Submit `ticker`, and, with `isOver`, wait until it has ended. */
export async function tick(inputs: Fields, isOver = false): Promise<string> {
  const wait = isOver ? "&wait=true" : "";
  const body = { skill: "ticker", inputs };
  return (await ask<{ id: string }>(`/v1/jobs?skillpack=runtimes${wait}`, body)).id;
}

/** A server on which something has happened, so that no page is empty. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Puras } from "puras";
import { type Address, PURAS, ROOT } from "../browser/harness/server";

/** A page, by the name of its picture. */
export interface Shown {
  readonly path: string;
  /** What has to be there before the picture is taken. */
  readonly until: string;
}

/** Let it all happen, and return the pages to see it on. */
export async function play(server: Address): Promise<Record<string, Shown>> {
  const puras = new Puras({ apiKey: server.key, apiBase: server.url });
  const photo = readFileSync(join(ROOT, "examples/image-tools/photo.jpg"));
  const { drive_path: image } = await puras.upload(new Blob([photo], { type: "image/jpeg" }));
  const end = { wait: true } as const;
  await mint(server);
  for (const name of ["Ada", "Grace Hopper", "Linus"]) {
    await puras.submit("hello-world/greeting-card", { name, occasion: "thanks" }, end);
  }
  await puras.submit("image-tools/dominant-colors", { image }, end);
  await puras.submit("image-tools/thumbnail", { image: "data:image/png;base64,AAAA" }, end);
  const ticket = "You took the 49 dollars for March twice. Please send one of them back.";
  await puras.submit("triage/ticket", { ticket, customer: "grace@example.com" }, end);
  cli(server, "eval", "triage/ticket", "--threshold", "0");
  redeploy(server);
  const card = await puras.submit("hello-world/greeting-card", { name: "Ada" }, end);
  const product = "https://example.com/product";
  const begun = await puras.submit("ugc-ads/ugc-ad", { product, duration: 15 });
  const film = await puras.wait(begun.id);
  const waiting = await puras.submit("parts/asking", { text: "The news of the day" });
  const running = await puras.submit("parts/ticker", { ticks: 2000, pause: 1 });
  const greeting = "/local/hello-world/greeting-card";
  return {
    skills: { path: "/skills", until: "Greeting card" },
    playground: { path: `${greeting}?job=${card.id}`, until: "Happy birthday, Ada!" },
    agent: { path: `/local/ugc-ads/ugc-ad?job=${film.id}`, until: "Run succeeded" },
    fields: { path: "/local/parts/everything", until: "A few words" },
    running: { path: `/local/parts/ticker?job=${running.id}`, until: "Run running" },
    question: { path: `/local/parts/asking?job=${waiting.id}`, until: "May it use publish?" },
    reference: { path: "/local/triage/ticket?tab=reference", until: "What it takes" },
    calls: { path: `${greeting}?tab=call`, until: "from puras import Puras" },
    evals: { path: "/local/triage/ticket?tab=evals", until: "Passed" },
    runs: { path: `${greeting}?tab=runs`, until: "succeeded" },
    jobs: { path: "/jobs", until: "ugc-ads/ugc-ad" },
    job: { path: `/jobs/${film.id}`, until: "Attempts" },
    skillpacks: { path: "/skillpacks", until: "image-tools" },
    versions: { path: "/skillpacks/hello-world?tab=versions", until: "Warmer words" },
    files: { path: "/skillpacks/hello-world?tab=files&from=1&to=2", until: "skill.yaml" },
    secrets: { path: "/skillpacks/hello-world?tab=secrets", until: "MAIL_TOKEN" },
    deploy: { path: "/deploy", until: "Drop" },
    keys: { path: "/keys", until: "The shop's page" },
    money: { path: "/money", until: "Ledger" },
    workers: { path: "/workers", until: "parts/ticker" },
    settings: { path: "/settings", until: "this browser" },
  };
}

async function mint(server: Address): Promise<void> {
  cli(server, "keys", "mint", "--name", "CI");
  cli(
    server,
    ...["keys", "mint", "--name", "The shop's page", "--publishable"],
    ...["--skill", "hello-world/greeting-card", "--daily-cap", "5", "--rate", "30"],
    ...["--origin", "https://shop.example"],
  );
  cli(server, "budgets", "create", "--limit", "20", "--window", "month");
  cli(server, "budgets", "create", "--skillpack", "ugc-ads", "--limit", "2", "--window", "day");
  cli(server, "secrets", "set", "MAIL_TOKEN", "not-a-real-one", "--skillpack", "hello-world");
}

/** A second version of one example, so that there is something to compare. */
function redeploy(server: Address): void {
  const scratch = mkdtempSync(join(tmpdir(), "puras-scene-"));
  const folder = join(scratch, "hello-world");
  cpSync(join(ROOT, "examples/hello-world"), folder, { recursive: true });
  const skill = join(folder, "greeting-card/skill.yaml");
  const text = readFileSync(skill, "utf8");
  writeFileSync(skill, text.replace("title: Greeting card", "title: Greeting card, warmer"));
  cli(server, "deploy", folder, "--skillpack", "hello-world", "--notes", "Warmer words");
  rmSync(scratch, { recursive: true });
}

function cli(server: Address, ...words: string[]): void {
  const env = { PATH: process.env["PATH"], PURAS_API_BASE: server.url, PURAS_API_KEY: server.key };
  execFileSync(PURAS, words, { env, stdio: "pipe" });
}

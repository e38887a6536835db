// Calls of skills as somebody writes them. The compiler finds exactly the lines marked `bad`.
import { Puras } from "puras";
import type { Cut, CutInputsScene, GreetingCard } from "./skills";

const puras = new Puras({ apiKey: "puras_live_x" });

export async function cards(): Promise<void> {
  const card = await puras.run("hello-world/greeting-card", { name: "Ada" });
  const texts: string[] = [card.message, card.card];
  await puras.run("hello-world/greeting-card", { name: texts[0]!, occasion: "thanks" }, { timeoutMs: 5000 });
  await puras.run("hello-world/greeting-card", { name: "Ada", occasion: "divorce" }); // bad
  await puras.run("hello-world/greeting-card", { name: 7 }); // bad
  await puras.run("hello-world/greeting-card", { nmae: "Ada" }); // bad
  await puras.run("hello-world/greeting-card", {}); // bad
  await puras.run("hello-world/greeting-card"); // bad
  card.mesage; // bad
}

export async function pictures(): Promise<void> {
  await puras.run("image-tools/dimensions", { image: { drive_path: "uploads/photo.jpg" } });
  const small = await puras.run("image-tools/thumbnail", { image: "https://example.com/a.png" });
  const width: number = small.width;
  const colors = await puras.run("image-tools/dominant-colors", { image: "data:,x", count: width });
  const shares: number[] = colors.colors.map((each) => each.share);
  await puras.run("image-tools/dimensions", { image: { href: String(shares) } }); // bad
  await puras.run("image-tools/dimensions", { image: null }); // bad
  await puras.run("image-tools/thumbnail", { image: "a.png", format: "gif" }); // bad
  small.width.toUpperCase(); // bad
}

export async function scenes(): Promise<void> {
  const scene: CutInputsScene = { text: "Sunrise", span: [0, 4.5], within: { text: "Sky" } };
  const film = await puras.run("studio/cut", {
    scenes: [scene, { text: "Night", "aspect-ratio": "9:16" }],
    voice: { kind: "clone", sample: "voice.mp3" },
    tags: ["a", "b"],
    limits: { scenes: 3 },
    music: null,
  });
  const video: string = film.video;
  const notes: string | null = film.notes;
  await puras.run("studio/cut", { scenes: [], voice: { kind: "stock", name: video + notes } });
  await puras.run("studio/cut", { scenes: [], voice: { kind: "stock", nmae: "x" } }); // bad
  await puras.run("studio/cut", { scenes: [{ "aspect-ratio": "1:1" }] }); // bad
  await puras.run("studio/cut", { scenes: [{ text: "x", within: { txt: "y" } }] }); // bad
  await puras.run("studio/cut", { scenes: [{ text: "x", span: [1, 2, 3] }] }); // bad
  await puras.run("studio/cut", { scenes: [], limits: { scenes: "3" } }); // bad
  await puras.run("studio/cut", { scenes: [], tags: "a" }); // bad
  film.part; // bad
}

export async function elsewhere(): Promise<void> {
  await puras.run("studio/ping");
  await puras.run("studio/ping", { anything: 1 });
  const named = await puras.run<GreetingCard>("acme/cards/greeting-card", { name: "Ada" });
  const message: string = named.message;
  await puras.run<Cut>("cut", { scenes: [], tags: [message] }, { skillpack: "studio" });
  await puras.run<GreetingCard>("acme/cards/greeting-card", { name: null }); // bad
  const other: Record<string, unknown> = await puras.run("somebody/elses/skill", { any: 1 });
  other.any;
}

import { expect, test } from "vitest";
import type { Job } from "wire";
import { drivePathsOf } from "../../../src/jobs/files";
import { fixtureOf } from "../../../src/jobs/fixture";

const SIGNED = "http://localhost/v1/files/eyJwYXRoIjoi.c2ln";

const job = {
  skillpack: "shop",
  skill_name: "ad",
  version: 3,
  inputs: { product: "mug" },
  status: "succeeded",
  result: { picture: SIGNED, words: ["a mug"] },
  error: null,
  error_code: null,
  cost_micros: 12,
  outputs: [
    { name: "picture", drive_path: "ads/mug.png", url: SIGNED, mime: "image/png", size_bytes: 1 },
  ],
} as unknown as Job;

test("a fixture has the request, the outcome and every event", () => {
  const events = [{ id: 1, type: "status", payload: { status: "queued" } }];
  const fixture = fixtureOf(job, events);
  expect(fixture.request).toEqual({ skill: "shop/ad", version: 3, inputs: { product: "mug" } });
  expect(fixture.outcome).toMatchObject({ status: "succeeded", cost_micros: 12 });
  expect(fixture.events).toEqual(events);
});

test("no signed address is given away", () => {
  const seen = `see ${SIGNED}?download=1 for more`;
  const fixture = fixtureOf(job, [{ id: 1, type: "log", payload: { message: seen } }]);
  expect(fixture.outcome.result).toEqual({ picture: "ads/mug.png", words: ["a mug"] });
  expect(fixture.events[0]?.payload).toEqual({
    message: "see http://localhost/v1/files/signed for more",
  });
});

test("files of the drive are found wherever the schema has one, and the web's are not", () => {
  const schema = {
    type: "object",
    properties: {
      photo: { type: "image" },
      more: { type: "array", items: { type: "file" } },
      name: { type: "string" },
    },
  };
  const inputs = { photo: "a.png", more: ["b.pdf", "https://web.example/c.pdf"], name: "d.png" };
  expect(drivePathsOf(schema, schema, inputs)).toEqual(["a.png", "b.pdf"]);
});

import { createElement, type FunctionComponent, type ReactElement } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Puras } from "../../src";
import { PurasProvider, useJob, useRun } from "../../src/react";
import { JobServer } from "./job-server";

let server: JobServer;

beforeEach(async () => {
  server = await JobServer.start();
});

afterEach(() => server.close());

const Run: FunctionComponent = () => createElement("b", null, useRun("acme/cards/card").status);
const Job: FunctionComponent<{ id: string | null }> = ({ id }) =>
  createElement("i", null, useJob(id).status);

function provided(...children: ReactElement[]): ReactElement {
  const client = new Puras({ apiKey: "puras_pub_x.y", apiBase: server.url });
  return createElement(PurasProvider, { client }, ...children);
}

test("on a server the first state is rendered, and nothing is asked", async () => {
  const page = provided(
    createElement(Run),
    createElement(Job, { id: server.add().id }),
    createElement(Job, { id: null }),
  );
  expect(renderToString(page)).toBe("<b>idle</b><i>pending</i><i>idle</i>");
  await new Promise((resolve) => setImmediate(resolve));
  expect(server.asked).toEqual([]);
});

test("without a client both hooks say how to give one", () => {
  expect(() => renderToString(createElement(Run))).toThrow(/\{ client \}.*PurasProvider/);
  expect(() => renderToString(createElement(Job, { id: "job-1" }))).toThrow(/no client/);
});

// A loopback server that speaks what fal's queue and Replicate's predictions speak, for clients of
// services that cost money. Work takes the seconds that its input says, and is done by a timer: no
// queue, no process, no row. So what is measured is the client and its protocol, at their best.
//
//     node queue_server.mjs          prints its URL

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

const jobs = new Map();

const ROUTES = [
  ["POST", /^\/fal\/bench\/work$/, submitToFal],
  ["GET", /^\/fal\/bench\/work\/requests\/(\S+)\/status$/, falStatus],
  ["GET", /^\/fal\/bench\/work\/requests\/([^/]+)$/, falResult],
  ["POST", /^\/replicate\/models\/bench\/work\/predictions$/, createPrediction],
  ["GET", /^\/replicate\/predictions\/(\S+)$/, prediction],
];

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://loopback");
  for (const [method, path, answer] of ROUTES) {
    const found = request.method === method && path.exec(pathname);
    if (found) return reply(response, 200, await answer(found[1], request));
  }
  reply(response, 404, { detail: `nothing at ${request.method} ${pathname}` });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit());

async function submitToFal(_, request) {
  const id = start(await body(request));
  return { status: "IN_QUEUE", request_id: id, queue_position: 0 };
}

function falStatus(id) {
  const status = jobs.get(id).isOver ? "COMPLETED" : "IN_PROGRESS";
  return { status, request_id: id, logs: [] };
}

function falResult(id) {
  jobs.delete(id);
  return {};
}

async function createPrediction(_, request) {
  const { input } = await body(request);
  const id = start(input);
  if (request.headers.prefer?.startsWith("wait")) await jobs.get(id).done;
  return prediction(id);
}

function prediction(id) {
  const { isOver } = jobs.get(id);
  if (isOver) jobs.delete(id);
  return { id, status: isOver ? "succeeded" : "processing", output: isOver ? {} : null };
}

function start({ seconds }) {
  const id = randomUUID();
  const job = { isOver: seconds === 0 };
  job.done = new Promise((resolve) => {
    setTimeout(() => resolve((job.isOver = true)), seconds * 1000);
  });
  jobs.set(id, job);
  return id;
}

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return JSON.parse(text);
}

function reply(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

// The clients that are compared, each called as its own readme shows. A side connects once and gives
// a function that runs the work and calls `onEvent` with whatever the client lets a caller see.

/** Ours, against a real server. */
export async function puras(url, key, skill, seconds) {
  const { Puras } = await import("puras");
  const client = new Puras({ apiKey: key, apiBase: url, skillpack: "bench" });
  const inputs = Number(seconds) ? { events: 2, pause: Number(seconds) } : {};
  return (onEvent) => client.run(skill, inputs, { onEvent });
}

/** fal's queue, against `queue_server.mjs`. The client has no base URL, but lets requests be sent
 *  elsewhere. */
export async function fal(url, seconds) {
  const { createFalClient } = await import("@fal-ai/client");
  const client = createFalClient({
    credentials: "nobody:nothing",
    requestMiddleware: async (request) => ({
      ...request,
      url: request.url.replace("https://queue.fal.run", `${url}/fal`),
    }),
  });
  const input = { seconds: Number(seconds) };
  return (onQueueUpdate) => client.subscribe("bench/work", { input, logs: true, onQueueUpdate });
}

/** Replicate, against `queue_server.mjs`. */
export async function replicate(url, seconds) {
  const { default: Replicate } = await import("replicate");
  const client = new Replicate({ auth: "nobody", baseUrl: `${url}/replicate` });
  const input = { seconds: Number(seconds) };
  return (progress) => client.run("bench/work", { input }, progress);
}

/** Gradio, against a real application (`peer_gradio.py`). */
export async function gradio(url, seconds) {
  const { Client } = await import("@gradio/client");
  const client = await Client.connect(url, { events: ["status", "data"] });
  return async (onEvent) => {
    for await (const message of client.submit("/work", { seconds: Number(seconds) })) {
      if (message.type === "data") return message.data;
      if ("position" in message) onEvent(message); // the first is the client's own, before it asked
    }
  };
}

/** Look at a job that is over, with the client. */
export async function get(url, key, id) {
  const { Puras } = await import("puras");
  const client = new Puras({ apiKey: key, apiBase: url });
  return () => client.get(id);
}

/** The same with nothing but `fetch`. */
export async function fetched(url, key, id) {
  const headers = { Authorization: `Bearer ${key}` };
  return async () => (await fetch(`${url}/v1/jobs/${id}`, { headers })).json();
}

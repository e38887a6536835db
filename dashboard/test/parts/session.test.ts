import { expect, test } from "vitest";
import { browserOf } from "../../src/session/browser";
import { Session } from "../../src/session/session";

const MINUTE = 60_000;

/** A server that gives tokens for a quarter of an hour to whoever has signed in. */
function server() {
  const state = { now: 0, isSignedIn: true, isUp: true, calls: [] as string[] };
  const send = (async (path: string, init: RequestInit) => {
    state.calls.push(`${init.method} ${path}`);
    if (!state.isUp) return Response.json({ detail: "busy", code: "busy" }, { status: 503 });
    if (path === "/session" && init.method === "POST") {
      state.isSignedIn = true;
      return Response.json({}, { status: 201 });
    }
    if (path === "/session") {
      state.isSignedIn = false;
      return new Response(null, { status: 204 });
    }
    if (!state.isSignedIn) {
      return Response.json({ detail: "sign in", code: "not_signed_in" }, { status: 401 });
    }
    const expires_at = new Date(state.now + 15 * MINUTE).toISOString();
    return Response.json({ token: `t${state.calls.length}`, expires_at, workspace: "w" });
  }) as typeof fetch;
  return { state, session: new Session(send, () => state.now) };
}

test("many who ask at once share one request, and a good token is asked for once", async () => {
  const { state, session } = server();
  const tokens = await Promise.all([session.token(), session.token(), session.token()]);
  expect(tokens).toEqual(["t1", "t1", "t1"]);
  expect(await session.token()).toBe("t1");
  expect(state.calls).toEqual(["POST /session/token"]);
});

test("a token is renewed a minute before its end", async () => {
  const { state, session } = server();
  await session.token();
  state.now = 13 * MINUTE;
  expect(await session.token()).toBe("t1");
  state.now = 14 * MINUTE;
  expect(await session.token()).toBe("t2");
});

test("a visitor has no token, and is not asked about again", async () => {
  const { state, session } = server();
  state.isSignedIn = false;
  expect(await session.token()).toBeUndefined();
  expect(session.read()).toEqual({ status: "out" });
  await session.token();
  expect(state.calls).toHaveLength(1);
});

test("a server that is down signs nobody out", async () => {
  const { state, session } = server();
  state.isUp = false;
  await expect(session.token()).rejects.toThrow("busy");
  expect(session.read()).toEqual({ status: "unknown" });
  state.isUp = true;
  expect(await session.token()).toBe("t2");
});

test("signing in and out is told to whoever listens", async () => {
  const { session } = server();
  const seen: string[] = [];
  session.subscribe(() => seen.push(session.read().status));
  await session.signIn({ key: "k" });
  await session.signOut();
  expect(seen).toEqual(["unknown", "in", "out"]);
});

test("a refused token puts the session to the question once", async () => {
  const { state, session } = server();
  const token = (await session.token()) as string;
  state.isSignedIn = false;
  await session.doubt(token);
  expect(session.read()).toEqual({ status: "out" });
  await session.doubt(token);
  expect(state.calls).toHaveLength(2);
});

test("browsers are told by the names that people know", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";
  expect(browserOf(chrome)).toBe("Chrome on Linux");
  expect(browserOf("curl/8.0")).toBe("curl/8.0");
  expect(browserOf(null)).toBe("Unknown");
});

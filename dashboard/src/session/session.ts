/**
 * Who is signed in, and the token that calls are made with.
 *
 * The rule: a key is sent once, to sign in, and kept nowhere; the cookie is out of reach of scripts;
 * the token lives in this object alone, and a new one is fetched a minute before it ends. Many who
 * ask at the same time share one request.
 */
import { PurasAPIError } from "puras";
import type { SessionToken } from "wire";
import { refusalOf } from "../api/refusal";

const RENEW_BEFORE_MS = 60_000;

export type SignInBody = { key: string } | { link: string };

/** `unknown` until the server has answered the first time. */
export type SessionState =
  | { readonly status: "unknown" | "out" }
  | { readonly status: "in"; readonly as: SessionToken };

export class Session {
  private shown: SessionState = { status: "unknown" };
  private asking: Promise<string | undefined> | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly send: typeof fetch = (...call) => fetch(...call),
    private readonly now: () => number = Date.now,
  ) {}

  readonly read = (): SessionState => this.shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /**
   * Return a token that is good, or undefined where nobody is signed in.
   *
   * @throws PurasAPIError or TypeError where the server could not be asked; the session stays.
   */
  async token(): Promise<string | undefined> {
    if (this.shown.status === "out") return undefined;
    if (this.shown.status === "in" && !this.isEnding(this.shown.as)) return this.shown.as.token;
    this.asking ??= this.renew().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** @throws PurasAPIError where the key or the link is not good. */
  async signIn(body: SignInBody): Promise<void> {
    await this.call("POST", "/session", body);
    this.show({ status: "unknown" });
    await this.token();
  }

  async signOut(): Promise<void> {
    await this.call("DELETE", "/session");
    this.show({ status: "out" });
  }

  /** A call with the token was refused as 401: its key may be gone. Ask the server who we are. */
  async doubt(token: string): Promise<void> {
    if (this.shown.status !== "in" || this.shown.as.token !== token) return;
    this.show({ status: "unknown" });
    await this.token();
  }

  /** Make a call under `/session`; the browser adds the cookie. */
  async call(method: string, path: string, body: unknown = {}): Promise<unknown> {
    const isRead = method === "GET";
    const response = await this.send(path, {
      method,
      credentials: "same-origin",
      headers: isRead ? {} : { "Content-Type": "application/json" },
      body: isRead ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw refusalOf(response, text);
    return text ? JSON.parse(text) : undefined;
  }

  private isEnding(as: SessionToken): boolean {
    return Date.parse(as.expires_at) - RENEW_BEFORE_MS <= this.now();
  }

  private async renew(): Promise<string | undefined> {
    try {
      const as = (await this.call("POST", "/session/token")) as SessionToken;
      this.show({ status: "in", as });
      return as.token;
    } catch (error) {
      if (!(error instanceof PurasAPIError && error.status === 401)) throw error;
      this.show({ status: "out" });
      return undefined;
    }
  }

  private show(state: SessionState): void {
    this.shown = state;
    for (const listener of [...this.listeners]) listener();
  }
}

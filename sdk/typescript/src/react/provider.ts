/** Which client the hooks below it use. */
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from "react";
import type { Puras } from "../client";

/** What the hooks need of a client. */
export type JobClient = Pick<Puras, "submit" | "get" | "wait" | "events" | "cancel">;

export interface PurasProviderProps {
  /** A client that stays the same from render to render: make it outside of the component. */
  client: JobClient;
  children?: ReactNode;
}

const ClientContext = createContext<JobClient | undefined>(undefined);

/** Gives a client to every `useRun` and `useJob` inside. */
export function PurasProvider({ client, children }: PurasProviderProps): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/**
 * The client that was passed, else the provider's.
 *
 * @throws Error where there is neither.
 */
export function useClient(passed: JobClient | undefined): JobClient {
  const provided = useContext(ClientContext);
  const client = passed ?? provided;
  if (!client) {
    throw new Error("no client: pass `{ client }`, or put a <PurasProvider client={…}> around");
  }
  return client;
}

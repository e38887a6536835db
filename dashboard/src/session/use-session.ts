/** Who is signed in, for components. */
import { useSyncExternalStore } from "react";
import type { SessionToken } from "wire";
import { session } from "../api/client";
import type { SessionState } from "./session";

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.read);
}

/** Who is signed in; undefined for a visitor. */
export function useSignedIn(): SessionToken | undefined {
  const state = useSession();
  return state.status === "in" ? state.as : undefined;
}

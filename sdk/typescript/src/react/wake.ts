/** Tells when a page that slept, or was off the network, can be used again. */

/**
 * Call `listener` whenever that happens, until the returned function is called.
 *
 * Where there is no page (on a server, in React Native) it never happens.
 */
export function onWake(listener: () => void): () => void {
  const page = globalThis.document as Document | undefined;
  const look = (): void => {
    if (page?.visibilityState === "visible") listener();
  };
  page?.addEventListener("visibilitychange", look);
  page?.defaultView?.addEventListener("online", look);
  return () => {
    page?.removeEventListener("visibilitychange", look);
    page?.defaultView?.removeEventListener("online", look);
  };
}

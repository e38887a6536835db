/** A refusal, as the SDK throws it, for calls that the SDK has no method for. */
import { AuthenticationError, NotFoundError, PurasAPIError, PurasConnectionError } from "puras";
import type { ErrorBody } from "wire";

const CLASSES: Readonly<Record<number, typeof PurasAPIError>> = {
  401: AuthenticationError,
  404: NotFoundError,
};

export function refusalOf(response: Response, text: string): PurasAPIError {
  const body = parsed(text);
  const Kind = CLASSES[response.status] ?? PurasAPIError;
  return new Kind(
    response.status,
    body.detail ?? `the server answered ${response.status}`,
    body.code,
    body.request_id ?? response.headers.get("x-request-id") ?? undefined,
    body.errors ?? [],
  );
}

/** What to tell a person of an error: the server's own sentence where there is one. */
export function told(error: unknown): string {
  if (error instanceof PurasAPIError) return error.detail;
  if (error instanceof PurasConnectionError || error instanceof TypeError) {
    return "The server could not be reached. Is it running?";
  }
  return error instanceof Error ? error.message : String(error);
}

function parsed(text: string): Partial<ErrorBody> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

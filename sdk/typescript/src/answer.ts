/**
 * What the client receives: an answer, or an error that knows whether trying again may help. No I/O.
 *
 * It may after broken connections, 408, 409 `idempotency_in_progress`, 429 `rate_limited` and 5xx,
 * and never after any other refusal, which would only be refused again.
 */
import {
  apiErrorClass,
  type PurasAPIError,
  PurasConnectionError,
  PurasTimeoutError,
} from "./errors";

/** An HTTP answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Turn a refusal into its error, with something useful to read in every case. */
export function apiError(answer: Answer): PurasAPIError {
  const { status, headers } = answer;
  const value = parsed(answer.text);
  const { code, request_id, errors, detail, message } = isObject(value) ? value : {};
  const told = detail || message || `the server answered with ${described(answer)}`;
  const error = new (apiErrorClass(status))(
    status,
    typeof told === "string" ? told : JSON.stringify(told),
    typeof code === "string" ? code : undefined,
    `${request_id ?? headers.get("x-request-id") ?? ""}` || undefined,
    Array.isArray(errors) ? errors : [],
  );
  error._isReached = status === 408 || status >= 500;
  if (error._isReached || code === "rate_limited" || code === "idempotency_in_progress") {
    error._pauseMs = retryAfter(headers);
  }
  return error;
}

/** The error for a line that broke, before or in the middle of an answer. */
export function lineError(what: string, cause: unknown, isTimeout: boolean): PurasConnectionError {
  const { message, cause: deeper } = cause as Error & { cause?: Error & { code?: string } };
  const why = deeper?.message ? `${message} (${deeper.message})` : message;
  const error = new (isTimeout ? PurasTimeoutError : PurasConnectionError)(
    `${what}: ${isTimeout ? "no answer in time" : why}`,
    { cause },
  );
  error._pauseMs = 0;
  // Only Node says why; where nothing is said, the request may have arrived.
  error._isReached = !/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/.test(`${deeper?.code}`);
  return error;
}

/** The error for an answer that can't be one of the API. */
export function strangeAnswer(path: string, answer: Answer): PurasConnectionError {
  return new PurasConnectionError(
    `${path} was answered ${answer.status} with ${described(answer)}: is apiBase right?`,
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && !!value && !Array.isArray(value);
}

/** The value of a JSON text; undefined where it is no JSON. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Read `Retry-After`, seconds or a date, as milliseconds; 0 where there is none. */
function retryAfter(headers: Headers): number {
  const value = headers.get("retry-after") ?? "";
  return Math.max(0, Number(value) * 1000 || Date.parse(value) - Date.now() || 0);
}

function described({ text, headers }: Answer): string {
  const isPage = /html/.test(headers.get("content-type") ?? "") || text.trim()[0] === "<";
  const words = text
    .replace(/<[^>]*>|\s+/g, " ")
    .trim()
    .slice(0, 200);
  if (isPage) return `an HTML page: ${words}`;
  return words ? `the body ${words}` : "an empty body";
}

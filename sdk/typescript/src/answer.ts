/**
 * What the client receives: a value, or an error that knows whether trying again may help. No I/O.
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

/** Turn a refusal and its body into its error, with something useful to read in every case. */
export function refusal({ status, headers }: Response, text: string): PurasAPIError {
  const value = parsed(text);
  const { code, request_id, errors, detail, message } = isObject(value) ? value : {};
  const told = detail || message || `the answer was ${described(text)}`;
  const error = new (apiErrorClass(status))(
    status,
    typeof told === "string" ? told : JSON.stringify(told),
    typeof code === "string" ? code : undefined,
    `${request_id ?? headers.get("x-request-id") ?? ""}` || undefined,
    Array.isArray(errors) ? errors : [],
  );
  error.isReached = status === 408 || status >= 500;
  if (error.isReached || code === "rate_limited" || code === "idempotency_in_progress") {
    error.pauseMs = retryAfter(headers.get("retry-after") ?? "");
  }
  return error;
}

/** The error for a line that broke, before or in the middle of an answer. */
export function broken(url: string, cause: unknown, isTimeout = false): PurasConnectionError {
  const { message, cause: deeper } = cause as Error & { cause?: Error & { code?: string } };
  const why = deeper ? `${message} (${deeper.message})` : message;
  const Kind = isTimeout ? PurasTimeoutError : PurasConnectionError;
  const error = new Kind(`${url}: ${isTimeout ? "no answer in time" : why}`, { cause });
  error.pauseMs = 0;
  // Only Node says why; where nothing is said, the request may have arrived.
  error.isReached = !/REFUSED|NOTFOUND|EAI_AGAIN/.test(`${deeper?.code}`);
  return error;
}

/** The error for an answer that can't be one of the API. */
export function strange(path: string, text: string): PurasConnectionError {
  return new PurasConnectionError(`${path} gave ${described(text)}: is apiBase right?`);
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
function retryAfter(value: string): number {
  return Math.max(0, Number(value) * 1000 || Date.parse(value) - Date.now() || 0);
}

function described(text: string): string {
  const words = text
    .replace(/<[^>]*>|\s+/g, " ")
    .trim()
    .slice(0, 200);
  if (/^\s*</.test(text)) return `an HTML page: ${words}`;
  return words ? `the body ${words}` : "an empty body";
}

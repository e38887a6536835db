/**
 * What can go wrong, as one tree.
 *
 *     PurasError
 *     ├── PurasAPIError                 the server answered, and the answer is no
 *     │   ├── BadRequestError           400
 *     │   ├── AuthenticationError       401
 *     │   ├── InsufficientCreditsError  402
 *     │   ├── PermissionDeniedError     403
 *     │   ├── NotFoundError             404
 *     │   ├── ConflictError             409
 *     │   ├── PayloadTooLargeError      413
 *     │   ├── InvalidRequestError       422
 *     │   ├── RateLimitError            429
 *     │   └── ServerError               5xx
 *     ├── PurasConnectionError          no usable answer came
 *     │   ├── PurasTimeoutError         none came in time
 *     │   └── StreamLineTooLongError    an event stream sent a line over 4 MiB
 *     ├── JobError                      a job ended otherwise than well
 *     ├── MissingKeyError               no API key was given
 *     └── SkillPathError                a skill's path can't be read, or no skillpack is known
 *
 * An error of the two first kinds knows whether the same call may succeed when it is made again.
 * Names are written out, since a bundler may shorten those of classes.
 */
import { isOver } from "./over";
import type { Job } from "./types";
import type { Fault } from "./wire";

/** The root: everything that this package throws on purpose, but for bad arguments. */
export class PurasError extends Error {}
named(PurasError, "PurasError");

/** The API answered with a status other than 2xx. */
export class PurasAPIError extends PurasError {
  /** @internal How long the server asks to wait, where trying again may help at all. */
  pauseMs?: number;
  /** @internal Whether the request may have had its effect all the same. */
  isReached?: boolean;

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The server's sentence, which says what to do next. */
    readonly detail: string,
    /** The server's error code, such as `skill_not_allowed`. */
    readonly code?: string | undefined,
    /** What to quote to the operator. */
    readonly requestId?: string | undefined,
    /** The single faults, where there are several. */
    readonly errors: readonly Fault[] = [],
  ) {
    const faults = errors.map((fault) => `\n  ${fault.path}: ${fault.message}`).join("");
    super(`${code ? `${status} ${code}` : status}: ${detail}${faults}`);
  }
}
named(PurasAPIError, "PurasAPIError");

/** 400: the request can't be read, or the inputs do not fit the skill. */
export class BadRequestError extends PurasAPIError {}
/** 401: there is no such API key, or it was revoked or has expired. */
export class AuthenticationError extends PurasAPIError {}
/** 402: the workspace or a budget has nothing left to spend. */
export class InsufficientCreditsError extends PurasAPIError {}
/** 403: the key is real, but this is beyond its fences. */
export class PermissionDeniedError extends PurasAPIError {}
/** 404: there is nothing of that name that this key may see. */
export class NotFoundError extends PurasAPIError {}
/** 409: the thing is not in a state that allows this. */
export class ConflictError extends PurasAPIError {}
/** 413: the body is over its limit. */
export class PayloadTooLargeError extends PurasAPIError {}
/** 422: the request was read, and some of its fields make no sense. */
export class InvalidRequestError extends PurasAPIError {}
/** 429: too many submits in this minute, or the key's daily cap is reached. */
export class RateLimitError extends PurasAPIError {}
/** 5xx: the server failed; the request may be tried again. */
export class ServerError extends PurasAPIError {}

/** No usable answer came: refused, reset, cut in the middle, or not from Puras at all. */
export class PurasConnectionError extends PurasError {
  /** @internal 0 where trying again may help. */
  pauseMs?: number;
  /** @internal Whether the server may have taken the request. */
  isReached?: boolean;
}
named(PurasConnectionError, "PurasConnectionError");

/** No answer came in time. */
export class PurasTimeoutError extends PurasConnectionError {}
named(PurasTimeoutError, "PurasTimeoutError");

/** An event stream sent a line, or one event, over 4 MiB: no server of ours does that. */
export class StreamLineTooLongError extends PurasConnectionError {}
named(StreamLineTooLongError, "StreamLineTooLongError");

/** A job failed, was cancelled, or was still running at the timeout. */
export class JobError extends PurasError {
  /** @param job The whole job. */
  constructor(readonly job: Job) {
    const why = isOver(job) ? "no error was given" : "it was not over at the timeout";
    super(`job ${job.id} ${job.status}: ${job.error || why}`);
  }
}
named(JobError, "JobError");

/** No API key: none was passed and `PURAS_API_KEY` is not set. */
export class MissingKeyError extends PurasError {}
named(MissingKeyError, "MissingKeyError");

/** A skill's path can't be read, or a bare skill name came without a skillpack. */
export class SkillPathError extends PurasError {}
named(SkillPathError, "SkillPathError");

type ApiErrorClass = typeof PurasAPIError;

const BY_STATUS: Readonly<Record<number, ApiErrorClass>> = {
  400: named(BadRequestError, "BadRequestError"),
  401: named(AuthenticationError, "AuthenticationError"),
  402: named(InsufficientCreditsError, "InsufficientCreditsError"),
  403: named(PermissionDeniedError, "PermissionDeniedError"),
  404: named(NotFoundError, "NotFoundError"),
  409: named(ConflictError, "ConflictError"),
  413: named(PayloadTooLargeError, "PayloadTooLargeError"),
  422: named(InvalidRequestError, "InvalidRequestError"),
  429: named(RateLimitError, "RateLimitError"),
  500: named(ServerError, "ServerError"),
};

/** The class that stands for an HTTP status; `PurasAPIError` for one that has none. */
export function apiErrorClass(status: number): ApiErrorClass {
  return BY_STATUS[Math.min(status, 500)] ?? PurasAPIError;
}

function named<Kind extends { prototype: Error }>(kind: Kind, name: string): Kind {
  kind.prototype.name = name;
  return kind;
}

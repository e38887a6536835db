"""What can go wrong, as one tree, and the one table that pairs each error code with its status.

    PurasError
    ├── PurasAPIError (RuntimeError)      the server answered, and the answer is no
    │   ├── BadRequestError               400
    │   ├── AuthenticationError           401
    │   ├── InsufficientCreditsError      402
    │   ├── PermissionDeniedError         403
    │   ├── NotFoundError                 404
    │   ├── ConflictError                 409
    │   ├── PayloadTooLargeError          413
    │   ├── InvalidRequestError           422
    │   ├── RateLimitError                429
    │   └── ServerError                   5xx
    ├── PurasConnectionError              no usable answer came
    │   ├── PurasTimeoutError             none came in time
    │   └── StreamLineTooLongError        an event stream sent a line over 4 MiB
    ├── JobError (RuntimeError)           a job ended otherwise than well
    ├── MissingKeyError (ValueError)      no API key was given
    ├── SkillPathError (ValueError)       a skill's path can't be read, or no skillpack is known
    └── UserError                         raised by a skill: its text is meant for the caller

Unknown statuses fall back to `PurasAPIError`, unknown codes to the class of their status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple


class PurasError(Exception):
    """The root: everything this package raises on purpose."""


class PurasAPIError(PurasError, RuntimeError):
    """The API answered with a status other than 2xx.

    `status` is the HTTP status, `detail` the server's sentence, `code` its error code or None,
    `request_id` what to quote to the operator, `errors` the single faults where there are several.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        code: str | None = None,
        request_id: str | None = None,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(status, detail, code, request_id)
        self.status = status
        self.detail = detail
        self.code = code
        self.request_id = request_id
        self.errors = [dict(fault) for fault in errors]

    def __str__(self) -> str:
        label = f"{self.status} {self.code}" if self.code else f"{self.status}"
        faults = "".join(
            f"\n  {fault.get('path')}: {fault.get('message')}" for fault in self.errors
        )
        return f"{label}: {self.detail}{faults}"


class BadRequestError(PurasAPIError):
    """400: the request can't be read, or the inputs do not fit the skill."""


class AuthenticationError(PurasAPIError):
    """401: there is no such API key, or it was revoked or has expired."""


class InsufficientCreditsError(PurasAPIError):
    """402: the workspace or a budget has nothing left to spend."""


class PermissionDeniedError(PurasAPIError):
    """403: the key is real, but this is beyond its fences."""


class NotFoundError(PurasAPIError):
    """404: there is nothing of that name that this key may see."""


class ConflictError(PurasAPIError):
    """409: the thing is not in a state that allows this."""


class PayloadTooLargeError(PurasAPIError):
    """413: the body is over its limit."""


class InvalidRequestError(PurasAPIError):
    """422: the request was read, and some of its fields make no sense."""


class RateLimitError(PurasAPIError):
    """429: too many submits in this minute, or the key's daily cap is reached."""


class ServerError(PurasAPIError):
    """5xx: the server failed; the request may be tried again."""


class PurasConnectionError(PurasError):
    """No usable answer came: refused, reset, cut in the middle, or not from Puras at all."""


class PurasTimeoutError(PurasConnectionError):
    """No answer came in time."""


class StreamLineTooLongError(PurasConnectionError):
    """An event stream sent a line, or one event, over 4 MiB: no server of ours does that."""


class JobError(PurasError, RuntimeError):
    """A job failed, was cancelled, or was still running at the timeout. `job` is the whole job."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        super().__init__(job)
        self.job = job

    def __str__(self) -> str:
        job_id, status, error = (self.job.get(name) for name in ("id", "status", "error"))
        over = status in ("succeeded", "failed", "cancelled")
        reason = error or ("no error was given" if over else "it was not over at the timeout")
        return f"job {job_id} {status}: {reason}"


class MissingKeyError(PurasError, ValueError):
    """No API key: none was passed and `PURAS_API_KEY` is not set."""


class SkillPathError(PurasError, ValueError):
    """A skill's path can't be read, or a bare skill name came without a skillpack."""


class UserError(PurasError):
    """Raise it in a skill: the caller reads its text, also behind a publishable key."""


class Code(NamedTuple):
    status: int
    meaning: str


CODES: Final[Mapping[str, Code]] = {
    "invalid_json": Code(400, "The body is not JSON."),
    "invalid_inputs": Code(400, "The inputs do not fit the skill's `input_schema`."),
    "bad_bundle": Code(400, "The bundle's archive can't be accepted; the entry is named."),
    "invalid_bundle": Code(400, "The bundle was read, and some of its files have faults."),
    "bad_requirements": Code(400, "A `requirements.txt` has a line that is no plain requirement."),
    "bad_path": Code(400, "A drive path breaks a path rule."),
    "address_not_allowed": Code(400, "A URL leads to an address that is not publicly routable."),
    "fetch_failed": Code(400, "A URL could not be fetched."),
    "invalid_api_key": Code(
        401, "No API key, or one that is malformed, unknown, revoked, expired."
    ),
    "invalid_link": Code(401, "A sign-in link that is unknown, was used, or has expired."),
    "not_signed_in": Code(401, "The browser has no session, or it is over."),
    "insufficient_credits": Code(402, "The workspace's wallet is empty."),
    "budget_exhausted": Code(402, "An enforced budget has nothing left."),
    "cost_limit": Code(402, "A run may not spend what its next paid call could cost."),
    "origin_not_allowed": Code(403, "The page's origin is not on the key's list."),
    "not_same_origin": Code(403, "A page of another origin may not sign in or out here."),
    "key_kind_not_allowed": Code(403, "A publishable key can't do this."),
    "key_fenced": Code(403, "Only a key without any fence can do this."),
    "skill_not_allowed": Code(403, "The skill is not on the key's allowlist."),
    "bad_signature": Code(403, "A signed URL was changed or has expired."),
    "not_found": Code(404, "There is no such path."),
    "job_not_found": Code(404, "There is no such job that this key may see."),
    "skill_not_found": Code(404, "There is no such skill that this key may see."),
    "skillpack_not_found": Code(404, "There is no such skillpack in this workspace."),
    "deployment_not_found": Code(404, "There is no such deployment in this skillpack."),
    "version_not_found": Code(404, "The skillpack has no such version, or it was deleted."),
    "no_active_deployment": Code(404, "Nothing is deployed and active in this skillpack."),
    "secret_not_found": Code(404, "The skillpack has no secret of this name."),
    "approval_not_found": Code(404, "There is no such approval that this key may decide."),
    "eval_not_found": Code(404, "There is no such suite of evals in this workspace."),
    "budget_not_found": Code(404, "There is no such budget in this workspace."),
    "key_not_found": Code(404, "There is no such API key in this workspace."),
    "session_not_found": Code(404, "There is no such session of this key."),
    "file_not_found": Code(404, "There is no such file in the drive that this key may see."),
    "method_not_allowed": Code(405, "The path exists, but not with this method."),
    "already_decided": Code(409, "The approval was decided before, or nobody did in time."),
    "slug_taken": Code(409, "The workspace has another skillpack with this slug."),
    "deployment_in_use": Code(409, "The deployment is active or has jobs that are not over."),
    "secrets_missing": Code(409, "The skill needs secrets that are not set."),
    "idempotency_in_progress": Code(409, "The first request with this key is still at work."),
    "too_large": Code(413, "The body is over its limit."),
    "range_not_satisfiable": Code(416, "The range lies outside of the file."),
    "invalid_request": Code(422, "The body was read, and some of its fields make no sense."),
    "unknown_field": Code(422, "The body has a field that this call does not know."),
    "idempotency_mismatch": Code(422, "The same Idempotency-Key came with another request."),
    "spend_cap_reached": Code(429, "The key's daily cap is reached; it is lifted at 00:00 UTC."),
    "rate_limited": Code(429, "The key's submits for this minute are used up."),
    "too_many_attempts": Code(429, "Too many wrong keys or links came from one address."),
    "internal_error": Code(500, "The server failed; its log has the request id."),
    "media_failed": Code(502, "The provider of an image, a video or audio made none."),
    "not_ready": Code(503, "The server is starting, or its database does not answer."),
}
"""Every error code the API answers with, its HTTP status and what it means."""

_CLASS_BY_STATUS: Final[Mapping[int, type[PurasAPIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: PayloadTooLargeError,
    422: InvalidRequestError,
    429: RateLimitError,
}


def api_error_class(status: int) -> type[PurasAPIError]:
    """Return the class that stands for an HTTP status."""
    if status >= 500:
        return ServerError
    return _CLASS_BY_STATUS.get(status, PurasAPIError)

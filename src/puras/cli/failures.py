"""From an error to what the user sees of it: a sentence, the next step, and an exit code.

    0    ok
    1    failed: the job, the deploy, the connection
    2    usage: the command line makes no sense
    3    not authorised: 401 and 403, or no key at all
    4    not found: 404
    5    out of money: 402, and 429 when a key's daily cap is reached
    130  interrupted: the watching, never the job

A program reads the code; a person reads the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from puras import errors

FAILED: Final = 1
USAGE: Final = 2
NOT_AUTHORISED: Final = 3
NOT_FOUND: Final = 4
OUT_OF_MONEY: Final = 5
INTERRUPTED: Final = 130

_EXIT_CODE_BY_STATUS: Final = {
    401: NOT_AUTHORISED,
    402: OUT_OF_MONEY,
    403: NOT_AUTHORISED,
    404: NOT_FOUND,
}
_MONEY_CODES: Final = frozenset({"spend_cap_reached", "cost_limit"})
_NEXT_STEP_BY_CODE: Final = {
    "invalid_api_key": "log in again: puras login",
    "key_fenced": "use a key without limits: puras login, or PURAS_API_KEY=…",
    "job_not_found": "list your jobs: puras jobs",
    "skillpack_not_found": "list your skillpacks: puras skillpacks",
    "no_active_deployment": "deploy one: puras deploy, or activate one: puras activate VERSION",
    "version_not_found": "list the versions: puras deployments",
    "deployment_not_found": "list the versions: puras deployments",
    "key_not_found": "list your keys: puras keys",
    "secret_not_found": "list the secrets: puras secrets ls",
    "secrets_missing": "set them: puras secrets set NAME",
    "approval_not_found": "list those of a job: puras approvals JOB",
    "eval_not_found": "list them: puras eval-report --skillpack REF",
    "budget_not_found": "list your budgets: puras budgets",
    "budget_exhausted": "raise its limit: puras budgets update ID --limit USD",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told of an error. `detail` is a sentence, `next_step` what to type now."""

    detail: str
    exit_code: int = FAILED
    next_step: str | None = None
    code: str | None = None
    request_id: str | None = None
    faults: Sequence[dict[str, Any]] = field(default=())

    def text(self) -> str:
        """Return the lines for a person; each fault has its own."""
        lines = [f"Error: {self.detail}"]
        lines += [f"  {_fault_line(fault)}" for fault in self.faults]
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        if self.request_id:
            lines.append(f"Request id: {self.request_id}")
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """Return the same for a program, in the shape of the API's error body."""
        body: dict[str, Any] = {"detail": self.detail, "code": self.code}
        if self.request_id:
            body["request_id"] = self.request_id
        if self.faults:
            body["errors"] = list(self.faults)
        if self.next_step:
            body["next_step"] = self.next_step
        return body


class CommandFailed(Exception):
    """Raised by a command that can't go on, with all that is to be told of it."""

    def __init__(
        self,
        detail: str,
        *,
        exit_code: int = FAILED,
        next_step: str | None = None,
        code: str | None = None,
        faults: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__(detail)
        self.failure = Failure(detail, exit_code, next_step, code, faults=faults)


def raise_unless_succeeded(job: Mapping[str, Any], *, next_step: str | None = None) -> None:
    """Raise for a job that did not end well; `next_step` None: read its log.

    Raises:
        JobError, CommandFailed: it failed, was cancelled, or is not over.
    """
    if job["status"] == "succeeded":
        return
    error = errors.JobError(job)
    if next_step is None:
        raise error
    failure = _job_failure(error)
    raise CommandFailed(
        failure.detail, exit_code=failure.exit_code, next_step=next_step, code=failure.code
    )


def describe(error: Exception) -> Failure | None:
    """Return what to tell of an error; None for one that is a fault of this program."""
    match error:
        case CommandFailed():
            return error.failure
        case errors.PurasAPIError():
            return _api_failure(error)
        case errors.JobError():
            return _job_failure(error)
        case errors.MissingKeyError():
            return Failure("you are not logged in", NOT_AUTHORISED, "puras login, or PURAS_API_KEY")
        case errors.SkillPathError():
            return Failure(str(error), USAGE)
        case errors.PurasConnectionError():
            return Failure(
                str(error),
                next_step="check the address with `puras whoami`; start a local one: puras serve",
            )
        case errors.PurasError():
            return Failure(str(error))
    return None


def _job_failure(error: errors.JobError) -> Failure:
    job, code = error.job, error.job.get("error_code")
    return Failure(
        f"{error}" + (f" [{code}]" if code else ""),
        OUT_OF_MONEY if code in _MONEY_CODES else FAILED,
        f"read what it said: puras logs {job.get('id')}",
        code,
    )


def _api_failure(error: errors.PurasAPIError) -> Failure:
    exit_code = _EXIT_CODE_BY_STATUS.get(error.status, FAILED)
    return Failure(
        error.detail,
        OUT_OF_MONEY if error.code in _MONEY_CODES else exit_code,
        _NEXT_STEP_BY_CODE.get(error.code or ""),
        error.code,
        error.request_id,
        error.errors,
    )


def _fault_line(fault: dict[str, Any]) -> str:
    places = [str(fault[name]) for name in ("file", "path") if fault.get(name)]
    return ": ".join([*places, str(fault.get("message", ""))])

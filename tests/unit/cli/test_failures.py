"""Every kind of error has its exit code, and says what to do next."""

from __future__ import annotations

import pytest

from puras import errors
from puras.cli.failures import CommandFailed, Failure, describe


def api_error(status: int, code: str) -> errors.PurasAPIError:
    return errors.api_error_class(status)(status, "no", code, "req-7")


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (api_error(400, "invalid_inputs"), 1),
        (api_error(401, "invalid_api_key"), 3),
        (api_error(402, "insufficient_credits"), 5),
        (api_error(402, "budget_exhausted"), 5),
        (api_error(403, "key_fenced"), 3),
        (api_error(403, "skill_not_allowed"), 3),
        (api_error(404, "job_not_found"), 4),
        (api_error(409, "slug_taken"), 1),
        (api_error(422, "invalid_request"), 1),
        (api_error(429, "rate_limited"), 1),
        (api_error(429, "spend_cap_reached"), 5),
        (api_error(500, "internal_error"), 1),
        (errors.JobError({"id": "j", "status": "failed", "error": "broke"}), 1),
        (errors.JobError({"id": "j", "status": "failed", "error_code": "cost_limit"}), 5),
        (errors.MissingKeyError("none"), 3),
        (errors.SkillPathError("'a//b' is no skill path"), 2),
        (errors.PurasConnectionError("refused"), 1),
        (errors.PurasTimeoutError("late"), 1),
        (CommandFailed("stopped", exit_code=130), 130),
    ],
)
def test_every_error_has_its_exit_code(error: Exception, exit_code: int) -> None:
    failure = describe(error)
    assert failure is not None
    assert failure.exit_code == exit_code


def test_a_fault_of_this_program_is_not_explained_away() -> None:
    assert describe(KeyError("x")) is None


def test_a_refusal_is_told_with_its_faults_the_next_step_and_the_request_id() -> None:
    error = errors.NotFoundError(
        404,
        "there is no job 7",
        "job_not_found",
        "req-7",
        errors=[{"file": "a/skill.yaml", "path": "$.title", "message": "it must be a string"}],
    )
    failure = describe(error)
    assert failure is not None
    assert failure.text().splitlines() == [
        "Error: there is no job 7",
        "  a/skill.yaml: $.title: it must be a string",
        "Next: list your jobs: puras jobs",
        "Request id: req-7",
    ]


def test_a_failure_as_a_document_has_the_shape_of_the_apis_error_body() -> None:
    failure = Failure("no", 4, "try again", "job_not_found", "req-7", [{"path": "a"}])
    assert failure.document() == {
        "detail": "no",
        "code": "job_not_found",
        "request_id": "req-7",
        "errors": [{"path": "a"}],
        "next_step": "try again",
    }


def test_a_failed_job_is_told_with_its_error_its_code_and_where_to_read_on() -> None:
    job = {"id": "j1", "status": "failed", "error": "ValueError: no", "error_code": "timeout"}
    failure = describe(errors.JobError(job))
    assert failure is not None
    assert failure.detail == "job j1 failed: ValueError: no [timeout]"
    assert failure.next_step == "read what it said: puras logs j1"

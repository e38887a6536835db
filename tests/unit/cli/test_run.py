"""`run`: inputs, uploads, the result, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run
from .loopback import Loopback


def submitted(server: Loopback) -> dict[str, object]:
    body = server.asked("POST", "/v1/jobs")[-1].json
    assert isinstance(body, dict)
    return body


def test_the_result_alone_goes_to_stdout(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "succeeded", "result": {"message": "Hello Ada"}}
    result = puras("run", "greetings/hello", "-i", "name=Ada")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"message": "Hello Ada"}
    assert "status     running" in result.stderr
    assert submitted(server) == {"skill": "hello", "inputs": {"name": "Ada"}}
    assert server.asked("POST", "/v1/jobs")[0].query == {"skillpack": "greetings"}


def test_the_whole_job_is_the_json_document(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "succeeded", "result": {"message": "hi"}}
    result = puras("run", "greetings/hello", "--output", "json")
    assert json.loads(result.stdout) == server.jobs[0]
    assert result.stderr == ""


def test_a_job_without_a_result_gives_an_empty_object(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "succeeded", "result": None}
    assert puras("run", "greetings/hello").stdout == "{}\n"


def test_what_a_job_cost_is_told_beside_its_result(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "succeeded", "result": {}, "cost_micros": 20_000}
    result = puras("run", "greetings/hello")
    assert result.stdout == "{}\n"
    assert result.stderr.endswith("Cost $0.02\n")


def test_a_failed_job_fails_the_command(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "failed", "error": "ValueError: no", "error_code": "function_error"}
    result = puras("run", "greetings/hello")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "failed: ValueError: no [function_error]" in result.stderr
    assert f"Next: read what it said: puras logs {server.jobs[0]['id']}" in result.stderr


def test_a_failed_job_as_json_is_still_one_document_and_its_error_another(
    puras: Run, server: Loopback
) -> None:
    server.outcome = {"status": "failed", "error": "no", "error_code": "timeout"}
    result = puras("run", "greetings/hello", "--output", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "failed"
    assert json.loads(result.stderr)["code"] == "timeout"


def test_a_run_that_can_not_be_paid_is_out_of_money(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "failed", "error": "no", "error_code": "cost_limit"}
    assert puras("run", "greetings/hello").exit_code == 5


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "invalid_inputs", 1),
        (402, "insufficient_credits", 5),
        (402, "budget_exhausted", 5),
        (403, "skill_not_allowed", 3),
        (404, "skill_not_found", 4),
        (404, "no_active_deployment", 4),
        (404, "version_not_found", 4),
        (409, "secrets_missing", 1),
        (429, "spend_cap_reached", 5),
    ],
)
def test_each_refusal_has_its_exit_code(
    puras: Run, server: Loopback, status: int, code: str, exit_code: int
) -> None:
    server.refuse("POST /v1/jobs", status, code)
    result = puras("run", "greetings/hello")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert f"Error: no: {code}" in result.stderr
    assert "Request id: req-7" in result.stderr


def test_every_wrong_input_is_listed(puras: Run, server: Loopback) -> None:
    faults = [{"path": "$.name", "message": "is required"}, {"path": "$.n", "message": "too big"}]
    server.refuse("POST /v1/jobs", 400, "invalid_inputs", errors=faults)
    result = puras("run", "greetings/hello")
    assert "  $.name: is required\n  $.n: too big\n" in result.stderr


def test_async_prints_the_jobs_id_and_does_not_wait(puras: Run, server: Loopback) -> None:
    result = puras("run", "greetings/hello", "--async")
    job_id = server.jobs[0]["id"]
    assert result.stdout == f"{job_id}\n"
    assert result.stderr == f"Follow it: puras logs {job_id}\n"
    assert [each.method for each in server.seen] == ["POST"]


def test_a_version_is_passed_on(puras: Run, server: Loopback) -> None:
    puras("run", "greetings/hello", "--version", "3")
    assert server.asked("POST", "/v1/jobs")[0].query == {"skillpack": "greetings", "version": "3"}
    assert puras("run", "greetings/hello", "--version", "0").exit_code == 2


def test_a_run_over_its_timeout_goes_on_without_us(puras: Run, server: Loopback) -> None:
    server.silent = True
    result = puras("run", "greetings/hello", "--timeout", "0.3")
    assert result.exit_code == 1
    assert "was not over in time; it goes on" in result.stderr


def test_a_bare_skill_is_looked_for_in_the_skillpack_of_this_folder(
    puras: Run, server: Loopback
) -> None:
    Path("puras.yaml").write_text("slug: here\n")
    puras("run", "hello")
    puras("run", "hello", "--skillpack", "given")
    puras("run", "written/hello", "--skillpack", "given")
    queries = [each.query["skillpack"] for each in server.asked("POST", "/v1/jobs")]
    assert queries == ["here", "given", "written"]


@pytest.mark.parametrize("skill", ["hello", "a//b", "a/b/c/d", ""])
def test_a_skill_that_can_not_be_addressed_is_a_usage_error(
    puras: Run, server: Loopback, skill: str
) -> None:
    assert puras("run", skill).exit_code == 2
    assert server.seen == []


def test_inputs_come_from_json_a_file_or_standard_input(puras: Run, server: Loopback) -> None:
    puras("run", "g/hello", "--json", '{"a": 1, "b": 2}', "-i", "b:=3")
    assert submitted(server)["inputs"] == {"a": 1, "b": 3}
    Path("inputs.json").write_text('{"a": "x"}')
    puras("run", "g/hello", "--json", "@inputs.json")
    assert submitted(server)["inputs"] == {"a": "x"}
    puras("run", "g/hello", "--json", "@-", input='{"a": "é"}'.encode())
    assert submitted(server)["inputs"] == {"a": "é"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "[1]"],
        ["--json", "{"],
        ["--json", "@missing.json"],
        ["-i", "name"],
        ["-i", "n:=x"],
        ["-i", "photo=@missing.jpg"],
        ["--local", "--async"],
    ],
)
def test_inputs_that_can_not_be_read_send_nothing(
    puras: Run, server: Loopback, arguments: list[str]
) -> None:
    result = puras("run", "g/hello", *arguments)
    assert result.exit_code in (1, 2)
    assert server.asked("POST", "/v1/jobs") == []


def test_a_prompt_is_an_input_of_that_name_and_stays_a_text(puras: Run, server: Loopback) -> None:
    assert puras("run", "g/hello", "-p", "42", "-i", "name=Ada").exit_code == 0
    assert submitted(server) == {"skill": "hello", "inputs": {"name": "Ada", "prompt": "42"}}


def test_a_prompt_without_a_skill_is_an_agent_for_once(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "succeeded", "result": {"answer": "four"}}
    result = puras("run", "-p", "Count", "-i", "words:=[1, 2]", "--skillpack", "g")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"answer": "four"})
    asked = server.asked("POST", "/v1/jobs")[0]
    assert asked.json == {"prompt": "Count", "inputs": {"words": [1, 2]}}
    assert asked.query == {"skillpack": "g"}
    assert asked.headers["idempotency-key"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-p", ""],
        ["-p", "Count", "--version", "2"],
        ["g/hello", "--model", "anthropic/claude-sonnet"],
    ],
)
def test_what_can_not_be_run_is_a_usage_error(
    puras: Run, server: Loopback, arguments: list[str]
) -> None:
    assert puras("run", *arguments).exit_code == 2
    assert server.seen == []


def test_text_that_is_not_utf_8_is_refused(puras: Run, server: Loopback) -> None:
    result = puras("run", "g/hello", "--json", "@-", input=b"\xff")
    assert result.exit_code == 1
    assert "Could not open file" in result.stderr
    assert server.seen == []


def test_a_lost_connection_tells_that_the_job_goes_on(puras: Run, server: Loopback) -> None:
    server.garbled = True
    result = puras("run", "g/hello")
    assert result.exit_code == 1
    assert f"job {server.jobs[0]['id']} goes on" in result.stderr


def test_a_file_is_uploaded_and_its_drive_path_passed(puras: Run, server: Loopback) -> None:
    Path("photo.jpg").write_bytes(b"\xff\xd8photo")
    puras("run", "g/hello", "-i", "photo=@photo.jpg")
    assert server.asked("POST", "/v1/drive/upload")[0].parts() == {"file": b"\xff\xd8photo"}
    assert submitted(server)["inputs"] == {"photo": "uploads/1"}


def test_standard_input_is_uploaded_too(puras: Run, server: Loopback) -> None:
    puras("run", "g/hello", "-i", "photo=@-", input=b"\x00\x01")
    assert server.asked("POST", "/v1/drive/upload")[0].parts() == {"file": b"\x00\x01"}


def test_the_skills_schema_decides_what_a_value_means(puras: Run, server: Loopback) -> None:
    schema = {"properties": {"code": {"type": "string"}, "text": {"type": "text"}}}
    server.add_deployment(server.add_skillpack("g"), input_schema=schema)
    Path("a.md").write_text("# Hi")
    puras("run", "g/hello", "-i", "code=007", "-i", "text=@a.md", "-i", "n=7")
    assert submitted(server)["inputs"] == {"code": "007", "text": "# Hi", "n": 7}
    assert server.asked("POST", "/v1/drive/upload") == []


def test_a_pinned_versions_own_schema_decides(puras: Run, server: Loopback) -> None:
    pack = server.add_skillpack("g")
    server.add_deployment(pack, input_schema={"properties": {"code": {"type": "string"}}})
    server.add_deployment(pack, input_schema={"properties": {"code": {"type": "integer"}}})
    puras("run", "g/hello", "-i", "code=7", "--version", "1")
    assert submitted(server)["inputs"] == {"code": "7"}
    puras("run", "g/hello", "-i", "code=7")
    assert submitted(server)["inputs"] == {"code": 7}


def test_a_key_that_may_not_see_the_schema_can_run_all_the_same(
    puras: Run, server: Loopback
) -> None:
    server.refuse("GET /v1/skillpacks/g/deployments", 403, "key_kind_not_allowed")
    assert puras("run", "g/hello", "-i", "n=7").exit_code == 0
    assert submitted(server)["inputs"] == {"n": 7}

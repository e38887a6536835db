"""Secrets reach the runs of their skillpack, and nothing that anybody reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..jobs.bench import Bench, Skill
from ..support import problem

VALUE = "s3cr3t-value-åß"
READ = Skill(
    "read",
    """
    import os, puras
    def run():
        length = len(puras.secret("TOKEN", default=""))
        return {"same": os.environ.get("TOKEN", "") == puras.secret("TOKEN", ""), "length": length}
    """,
)


async def put(bench: Bench, name: str = "TOKEN", value: str = VALUE, pack: str = "pack") -> None:
    answer = await bench.client.put(
        f"/v1/skillpacks/{pack}/secrets", json={"name": name, "value": value}
    )
    assert answer.status_code == 200, answer.text


async def all_that_is_told(bench: Bench, job_id: str) -> str:
    """Everything the API shows of a job, but its result."""
    job = await bench.get(job_id)
    spans = (await bench.client.get(f"/v1/jobs/{job_id}/spans")).json()
    told = [{**job, "result": None}, await bench.events(job_id), spans]
    return json.dumps(told, ensure_ascii=False)


async def test_a_run_reads_a_secret_as_variable_and_by_its_name(bench: Bench) -> None:
    await bench.deploy(READ)
    await put(bench)
    assert (await bench.run("read"))["result"] == {"same": True, "length": len(VALUE)}


@pytest.mark.parametrize("process", ["fresh", "warm"])
async def test_a_changed_or_deleted_secret_is_known_to_the_next_run(
    bench: Bench, process: str
) -> None:
    code = "import puras\nTOKEN = puras.secret('TOKEN', '')\ndef run(): return {'is': TOKEN}\n"
    await bench.deploy(Skill("at-import", code, more={"process": process}))
    seen = []
    for value in ("first-value", "second-value"):
        await put(bench, value=value)
        seen += [(await bench.run("at-import"))["result"]["is"] for _ in range(2)]
    await bench.client.delete("/v1/skillpacks/pack/secrets/TOKEN")
    seen.append((await bench.run("at-import"))["result"]["is"])
    assert seen == ["first-value"] * 2 + ["second-value"] * 2 + [""]


async def test_a_secret_that_is_not_set_is_an_error_or_the_default(bench: Bench) -> None:
    await bench.deploy(
        Skill("must", "import puras\ndef run(): return {'x': puras.secret('NONE')}\n"),
        Skill("may", "import puras\ndef run(): return {'x': puras.secret('NONE', default=None)}\n"),
    )
    failed = await bench.run("must")
    assert failed["error_code"] == "function_error"
    assert "puras secrets set NONE" in failed["error"]
    assert (await bench.run("may"))["result"] == {"x": None}


async def test_a_job_is_refused_until_the_secrets_are_set_that_its_skill_names(
    bench: Bench,
) -> None:
    await bench.deploy(Skill("needs", READ.code, more={"secrets": ["TOKEN", "OTHER"]}))
    await put(bench, "OTHER")
    refused = await bench.submit("needs")
    assert problem(refused) == (409, "secrets_missing")
    assert "TOKEN" in refused.json()["detail"]
    assert "OTHER" not in refused.json()["detail"]
    await put(bench)
    assert (await bench.run("needs"))["status"] == "succeeded"


async def test_a_child_is_refused_for_a_missing_secret_too(bench: Bench) -> None:
    calls = "import puras\ndef run(): return puras.subagent.run('needs')\n"
    await bench.deploy(
        Skill("parent", calls), Skill("needs", READ.code, more={"secrets": ["TOKEN"]})
    )
    failed = await bench.run("parent")
    assert "secrets_missing" in failed["error"]
    await put(bench)
    assert (await bench.run("parent"))["status"] == "succeeded"


SAYS = """
import sys, time, puras
def run(how):
    token = puras.secret("TOKEN")
    if how == "print":
        print("it is", token, "!")
    elif how == "halves":
        half = len(token) // 2
        sys.stdout.write("it is " + token[:half]); sys.stdout.flush()
        time.sleep(0.1)
        sys.stdout.write(token[half:] + "\\n"); sys.stdout.flush()
    elif how == "stderr":
        print(token, file=sys.stderr)
    elif how == "at the cut":
        for before in range(8 * 1024 - 40, 8 * 1024 + 10, 5):
            print("x" * before + token + "y" * 100)
    elif how == "unfinished":
        sys.stdout.write("x" * 8190 + token + "z" * 70_000)
    elif how == "log":
        puras.log("x" * 8185 + token)
    elif how == "progress":
        puras.progress(0.5, token)
    elif how == "step":
        puras.step(token)
        puras.step(f"do {token}", lambda: 1)
    elif how == "raise":
        raise ValueError("x" * 990 + token)
    elif how == "user error":
        raise puras.UserError(f"no: {token}")
    elif how == "traceback":
        def deep(n):
            raise ValueError(token * 300) if n == 0 else deep(n - 1)
        deep(3)
    elif how == "output":
        return {"names": {token: 1}}
    elif how == "output at the cut":
        return {"kind": "x" * 70 + token, **{str(n): "x" * n + token for n in range(0, 400, 3)}}
    return {}
"""


@pytest.mark.parametrize(
    "how",
    [
        *("print", "halves", "stderr", "at the cut", "unfinished", "log", "progress", "step"),
        *("raise", "user error", "traceback", "output", "output at the cut"),
    ],
)
async def test_a_secret_is_told_nowhere(bench: Bench, how: str) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"names": {"maxProperties": 0}, "kind": {"enum": ["a", "b"]}},
        "additionalProperties": {"type": "integer"},
        "required": [],
    }
    more = {"output_schema": schema} if how.startswith("output") else {}
    await bench.deploy(Skill("says", SAYS, more=more, properties={"how": {"type": "string"}}))
    await put(bench)
    job_id = (await bench.run("says", {"how": how}))["id"]
    told = await all_that_is_told(bench, job_id)
    assert "s3cr3t" not in told
    assert VALUE[8:] not in told
    if how not in {"at the cut", "unfinished", "log", "raise", "traceback", "output at the cut"}:
        assert "••••" in told


async def test_each_line_of_a_secret_of_many_is_hidden(bench: Bench) -> None:
    pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nAgEAAoIBAQDfVwTz\n-----END KEY-----\n"
    await bench.deploy(Skill("says", "import puras\ndef run(): print(puras.secret('PEM'))\n"))
    await put(bench, "PEM", pem)
    told = await all_that_is_told(bench, (await bench.run("says"))["id"])
    assert not any(line in told for line in pem.splitlines())


async def test_a_short_value_is_left_where_it_stands(bench: Bench) -> None:
    await bench.deploy(Skill("says", "def run(): print('it is short')\n"))
    await put(bench, value="short")
    assert "it is short" in await all_that_is_told(bench, (await bench.run("says"))["id"])


async def test_a_result_is_the_skills_own_to_give(bench: Bench) -> None:
    await bench.deploy(
        Skill("gives", "import puras\ndef run(): return {'x': puras.secret('TOKEN')}\n")
    )
    await put(bench)
    assert (await bench.run("gives"))["result"] == {"x": VALUE}


async def test_no_process_shows_a_secret_in_its_arguments_or_its_environment(
    bench: Bench,
) -> None:
    code = """
    import os
    def run():
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ("cmdline", "environ"):
                try:
                    found.append(open(f"/proc/{pid}/{name}", "rb").read())
                except OSError:
                    pass
        return {"shown": any(os.environ["TOKEN"].encode() in each for each in found)}
    """
    await bench.deploy(Skill("looks", code))
    await put(bench)
    assert (await bench.run("looks"))["result"] == {"shown": False}


async def test_the_runs_of_another_skillpack_do_not_get_it(bench: Bench) -> None:
    await bench.deploy(READ)
    await bench.deploy(READ, slug="other")
    await put(bench)
    assert (await bench.run("other/read"))["result"]["length"] == 0


async def test_a_public_skill_runs_with_its_publishers_secrets(bench: Bench) -> None:
    await bench.deploy(READ, public=True)
    await put(bench)
    stranger = await bench.stranger()
    job = await bench.run("local/pack/read", headers=stranger.headers)
    assert job["result"]["length"] == len(VALUE)


async def test_a_secret_that_no_key_opens_breaks_the_job_and_says_what_to_do(
    bench: Bench,
) -> None:
    await bench.deploy(READ)
    await put(bench)
    await bench.alter("UPDATE secrets SET key_id = 'gone'")
    job = await bench.run("read")
    assert (job["status"], job["error_code"]) == ("failed", "deployment_broken")
    assert "PURAS_SECRETS_KEY" in job["error"]

"""What `POST /v1/jobs` refuses, in which order, and that a refusal leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.clock import DAY, SECOND, Micros, now
from puras.server.keys.fences import AllowedSkill, Fences
from puras.wire import MAX_REQUEST_BYTES

from ..support import (
    HandClock,
    Minted,
    make_workspace,
    mint,
    open_platform,
    problem,
    serving,
)
from .bench import ECHO, Agent, Bench, Skill

STRICT = Skill(
    "strict",
    "def run(n, s='x', f=None):\n    return {}\n",
    {"n": {"type": "integer"}, "s": {"type": "string", "default": "x"}, "f": {"type": "file"}},
    {
        "input_schema": {
            "type": "object",
            "properties": {
                "n": {"type": "integer"},
                "s": {"type": "string", "default": "x"},
                "f": {"type": "file"},
            },
            "required": ["n"],
        }
    },
)
NEEDY = Skill(
    "needy", ECHO.code, more={"secrets": ["TOKEN"], "input_schema": STRICT.more["input_schema"]}
)
TABLES = ("jobs", "events", "idempotency", "holds", "ledger", "drive_files", "recorded_calls")
EMPTY_WALLET = "UPDATE workspaces SET balance_micros = 0"
"""Only for tests of one refusal: it leaves the ledger behind."""


@dataclass(frozen=True)
class Desk:
    """Serves requests and runs nothing, so that what a refusal leaves behind is easy to see."""

    bench: Bench
    clock: HandClock
    key: Minted
    home: Path

    async def post(
        self, content: Any, *, key: Minted | None = None, **more: Any
    ) -> httpx2.Response:
        headers = {**(key or self.key).headers, **more.pop("headers", {})}
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        return await self.bench.client.post("/v1/jobs", content=content, headers=headers, **more)

    async def left(self) -> dict[str, Any]:
        """Return everything that a refusal must not change."""
        counts = {
            table: (await self.bench.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"]
            for table in TABLES
        }
        return {**counts, "files": sorted(p for p in self.home.rglob("*") if _lasts(p))}

    async def mint(self, workspace_id: str | None = None, **more: Any) -> Minted:
        return await mint(
            self.bench.platform, workspace_id or await self.bench.workspace_id(), **more
        )

    async def empty_the_wallet(self) -> None:
        await self.bench.alter(EMPTY_WALLET)

    async def spend(self, key: Minted, micros: int) -> None:
        """Let a key have spent something today, in a job that is over."""
        job = await self.post({"skill": "pack/echo"}, key=key)
        assert job.status_code == 201, job.text
        await self.bench.alter(
            "INSERT INTO holds (id, job_id, root_job_id, workspace_id, key_id, day, held_micros,"
            " cost_micros, state, created_at) SELECT id, id, id, workspace_id, key_id, :day,"
            " :micros, :micros, 'closed', 0 FROM jobs WHERE id = :id",
            id=job.json()["id"],
            day=self.clock() // DAY,
            micros=micros,
        )


def _lasts(path: Path) -> bool:
    return path.is_file() and not path.name.startswith("puras.db")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    from puras.server.app import ROUTES

    clock = HandClock()
    async with (
        open_platform(tmp_path, clock=clock) as platform,
        serving(platform, *ROUTES) as client,
    ):
        key = await mint(platform, await make_workspace(platform))
        bench = Bench(platform, client)
        client.headers.update(key.headers)
        await bench.deploy(ECHO, STRICT, NEEDY, Skill("echo/sub", ECHO.code))
        yield Desk(bench, clock, key, tmp_path)


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request, and what it is answered with when it comes first."""

    step: int
    status: int
    code: str
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    fences: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    publishable: bool = False
    wallet_empty: bool = False
    spent: bool = False
    rate_used_up: bool = False


ELSEWHERE = AllowedSkill("00000000-0000-7000-8000-000000000000", "echo", "elsewhere/echo")
FAULTS = {
    "key": Fault(1, 401, "invalid_api_key", headers={"Authorization": "Bearer nonsense"}),
    "origin": Fault(
        2,
        403,
        "origin_not_allowed",
        publishable=True,
        headers={"Origin": "https://evil.test"},
        fences={"allowed_origins": ("https://good.test",)},
    ),
    "size": Fault(3, 413, "too_large", content=b'"' + b"x" * (MAX_REQUEST_BYTES - 1) + b'"'),
    "json": Fault(4, 400, "invalid_json", content=b'{"skill": NaN}'),
    "shape": Fault(4, 422, "invalid_request", body={"inputs": []}),
    "idempotency": Fault(5, 422, "invalid_request", headers={"Idempotency-Key": "k" * 256}),
    "kind": Fault(6, 403, "key_kind_not_allowed", body={"prompt": "hi"}, publishable=True),
    "allowlist": Fault(7, 403, "skill_not_allowed", fences={"skills": (ELSEWHERE,)}),
    "target": Fault(8, 404, "skill_not_found", body={"skill": "pack/nothing"}),
    "cap": Fault(9, 429, "spend_cap_reached", fences={"daily_cap_micros": 5}, spent=True),
    "rate": Fault(10, 429, "rate_limited", fences={"rate_per_minute": 1}, rate_used_up=True),
    "credits": Fault(12, 402, "insufficient_credits", wallet_empty=True),
    "inputs": Fault(13, 400, "invalid_inputs", body={"skill": "pack/needy", "inputs": {}}),
    "secrets": Fault(14, 409, "secrets_missing", body={"skill": "pack/needy", "inputs": {"n": 1}}),
}


async def submit_with(desk: Desk, *faults: Fault) -> tuple[httpx2.Response, dict[str, Any]]:
    """Send a request with these faults; return the answer, and what was there before it."""
    fences = {k: v for fault in faults for k, v in fault.fences.items()}
    kind = "publishable" if any(f.publishable for f in faults) else "secret"
    key = await desk.mint(kind=kind, fences=Fences(**fences))
    if any(fault.spent or fault.rate_used_up for fault in faults):
        await desk.bench.alter("DELETE FROM key_skills")
        await desk.bench.alter("UPDATE keys SET all_skills = 1 WHERE id = :id", id=key.id)
        if any(fault.spent for fault in faults):
            await desk.spend(key, 5)
        else:
            assert (await desk.post({"skill": "pack/echo"}, key=key)).status_code == 201
        if "skills" in fences:
            await desk.bench.alter("UPDATE keys SET all_skills = 0 WHERE id = :id", id=key.id)
    if any(fault.wallet_empty for fault in faults):
        await desk.empty_the_wallet()
    body: dict[str, Any] = {"skill": "pack/echo"}
    # The earlier fault's own fields win; where both name a skill, the later one's is kept only
    # if the earlier fault lies elsewhere.
    for fault in reversed(faults):
        body |= fault.body
    if "prompt" in body and all("skill" not in fault.body for fault in faults):
        del body["skill"]
    content = next((fault.content for fault in faults if fault.content is not None), None)
    headers = {k: v for fault in faults for k, v in fault.headers.items()}
    before = await desk.left()
    answer = await desk.post(body if content is None else content, key=key, headers=headers)
    return answer, before


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_alone_is_refused_and_leaves_nothing_behind(desk: Desk, name: str) -> None:
    fault = FAULTS[name]
    answer, before = await submit_with(desk, fault)
    assert problem(answer) == (fault.status, fault.code)
    assert await desk.left() == before


NEIGHBOURS = [
    (a, b)
    for a, b in zip(list(FAULTS), list(FAULTS)[1:], strict=False)
    # One body is not JSON and has a wrong shape; one set of inputs can't be both right and wrong.
    if (a, b) not in {("size", "json"), ("json", "shape"), ("inputs", "secrets")}
] + [
    ("key", "size"),
    ("origin", "json"),
    ("cap", "credits"),
    ("rate", "inputs"),
    ("credits", "secrets"),
    ("allowlist", "inputs"),
    ("target", "credits"),
    ("size", "target"),
]


@pytest.mark.parametrize(("first", "second"), NEIGHBOURS)
async def test_of_two_faults_the_earlier_one_is_told(desk: Desk, first: str, second: str) -> None:
    fault = FAULTS[first]
    answer, before = await submit_with(desk, fault, FAULTS[second])
    assert problem(answer) == (fault.status, fault.code)
    assert await desk.left() == before


async def test_a_refused_submit_touches_the_rate_counter_and_no_other_row(desk: Desk) -> None:
    key = await desk.mint(fences=Fences(rate_per_minute=5))
    before = await desk.left()
    answer = await desk.post({"skill": "pack/strict"}, key=key)
    assert problem(answer) == (400, "invalid_inputs")
    assert await desk.left() == before
    (counted,) = await desk.bench.rows("SELECT key_id, count FROM key_submits")
    assert counted == {"key_id": key.id, "count": 1}


async def test_the_rate_counts_by_the_minute_and_says_when_to_come_back(desk: Desk) -> None:
    desk.clock.moment = _minute(desk.clock()) + 20 * SECOND
    key = await desk.mint(fences=Fences(rate_per_minute=2))
    codes = [(await desk.post({"skill": "pack/echo"}, key=key)).status_code for _ in range(3)]
    assert codes == [201, 201, 429]
    refused = await desk.post({"skill": "pack/echo"}, key=key)
    assert refused.headers["retry-after"] == "40"
    desk.clock.moment += 40 * SECOND
    assert (await desk.post({"skill": "pack/echo"}, key=key)).status_code == 201


def _minute(moment: Micros) -> Micros:
    return moment - moment % (60 * SECOND)


async def test_a_reached_cap_is_lifted_at_midnight_utc(desk: Desk) -> None:
    desk.clock.moment = now() // DAY * DAY + DAY - 90 * SECOND
    key = await desk.mint(fences=Fences(daily_cap_micros=5))
    await desk.spend(key, 5)
    refused = await desk.post({"skill": "pack/echo"}, key=key)
    assert problem(refused) == (429, "spend_cap_reached")
    assert refused.headers["retry-after"] == "90"
    desk.clock.moment += 90 * SECOND
    assert (await desk.post({"skill": "pack/echo"}, key=key)).status_code == 201


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b'{"skill": "pack/echo", "inputs": {"n": NaN}}', 400, "invalid_json"),
        (b'{"skill": "pack/echo", "inputs": {"n": Infinity}}', 400, "invalid_json"),
        (b'{"skill": "pack/echo", "inputs": {"n": 1e999}}', 400, "invalid_json"),
        (b'{"skill": "\xff"}', 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"skill": 5}', 422, "invalid_request"),
        (b'{"skill": ""}', 422, "invalid_request"),
        (b'{"skill": "  / "}', 422, "invalid_request"),
        (b'{"skill": "a/b/c/d"}', 422, "invalid_request"),
        (b'{"skill": "a//b"}', 422, "invalid_request"),
        (b'{"skill": "echo"}', 422, "invalid_request"),
        (b'{"inputs": {}}', 422, "invalid_request"),
        (b'{"skill": "pack/echo", "prompt": "hi"}', 422, "invalid_request"),
        (b'{"skill": "pack/echo", "inputs": []}', 422, "invalid_request"),
        (b'{"skill": "pack/echo", "inputs": "x"}', 422, "invalid_request"),
        (b'{"skill": "pack/echo", "source": 5}', 422, "invalid_request"),
        (b'{"prompt": ""}', 422, "invalid_request"),
        (b'{"prompt": " "}', 422, "invalid_request"),
        (b'{"prompt": 5}', 422, "invalid_request"),
        (b'{"prompt": "%s"}' % (b"x" * 100_001), 422, "invalid_request"),
        (b'{"prompt": "hi", "inputs": []}', 422, "invalid_request"),
        (b'{"skill": "pack/@inline"}', 404, "skill_not_found"),
        (b'{"skill": "@inline/echo"}', 404, "skill_not_found"),
        (b'{"skill": "pack/echo/sub"}', 404, "skill_not_found"),
        (b'{"skill": "echo/sub"}', 404, "skill_not_found"),
        (b'{"skill": "pack/../echo"}', 404, "skill_not_found"),
        (b'{"skill": "nobody/pack/echo"}', 404, "skill_not_found"),
    ],
)
async def test_bodies_that_are_refused(desk: Desk, content: bytes, status: int, code: str) -> None:
    before = await desk.left()
    assert problem(await desk.post(content)) == (status, code)
    assert await desk.left() == before


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"skill": "pack/echo", "unknown": 1, "inputs": {}}, {}),
        ({"skill": "pack/echo", "source": None}, {}),
        ({"skill": "pack/echo", "inputs": None}, {}),
        ({"skill": "local/pack/echo"}, {}),
        ({"skill": " /pack/echo/ "}, {}),
        ({"skill": "echo"}, {"skillpack": "pack"}),
        ({"skill": "echo"}, {"skillpack": "local/pack"}),
        ({"skill": "pack/echo"}, {"skillpack": "another"}),
        ({"skill": "echo"}, {"skillpack_id": "pack"}),
        ({"skill": "echo"}, {"skillpack": "pack", "version": "1", "colour": "blue"}),
    ],
)
async def test_ways_to_name_a_skill(desk: Desk, body: Any, query: dict[str, str]) -> None:
    answer = await desk.post(body, params=query)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["skill_name"], job["skillpack"], job["version"]) == ("echo", "pack", 1)
    assert job["status"] == "queued"


async def test_a_skillpack_may_be_named_by_its_id_in_either_parameter(desk: Desk) -> None:
    (pack,) = (await desk.bench.client.get("/v1/skillpacks")).json()
    for name in ("skillpack", "skillpack_id"):
        answer = await desk.post({"skill": "echo"}, params={name: pack["id"]})
        assert answer.json()["skillpack_id"] == pack["id"]


async def test_a_body_of_exactly_ten_mebibytes_is_read_and_one_byte_more_is_not(desk: Desk) -> None:
    frame = len(b'{"skill":"pack/echo","inputs":{"s":""}}')
    for extra, status in ((0, 201), (1, 413)):
        filling = b"x" * (MAX_REQUEST_BYTES - frame + extra)
        answer = await desk.post(b'{"skill":"pack/echo","inputs":{"s":"' + filling + b'"}}')
        assert answer.status_code == status


async def test_half_a_surrogate_pair_in_the_inputs_becomes_a_replacement_character(
    desk: Desk,
) -> None:
    raw = b'{"skill":"pack/echo","inputs":{"s":"a\\ud800b","\\udfff":1,"ok":"\\ud83d\\ude00"}}'
    answer = await desk.post(raw)
    assert answer.json()["inputs"] == {"s": "a\ufffdb", "\ufffd": 1, "ok": "\U0001f600"}


async def test_a_nul_in_the_inputs_is_kept(desk: Desk) -> None:
    answer = await desk.post({"skill": "pack/echo", "inputs": {"s": "a\x00b"}})
    assert answer.json()["inputs"] == {"s": "a\x00b"}


async def test_defaults_are_filled_in_and_every_violation_is_named(desk: Desk) -> None:
    good = await desk.post({"skill": "pack/strict", "inputs": {"n": 1}})
    assert good.json()["inputs"] == {"n": 1, "s": "x"}
    bad = await desk.post({"skill": "pack/strict", "inputs": {"n": "one", "s": 5}})
    assert problem(bad) == (400, "invalid_inputs")
    assert {fault["path"] for fault in bad.json()["errors"]} == {"$.n", "$.s"}


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("0", 422, "invalid_request"),
        ("-1", 422, "invalid_request"),
        ("abc", 422, "invalid_request"),
        ("1.0", 422, "invalid_request"),
        ("9", 404, "version_not_found"),
        ("999999999999999999", 404, "version_not_found"),
    ],
)
async def test_versions_that_can_not_be_had(
    desk: Desk, version: str, status: int, code: str
) -> None:
    answer = await desk.post({"skill": "pack/echo"}, params={"version": version})
    assert problem(answer) == (status, code)


async def test_a_pin_to_a_deleted_version_is_not_found_and_the_active_one_is_used_without(
    desk: Desk,
) -> None:
    (first,) = (await desk.bench.client.get("/v1/skillpacks/pack/deployments")).json()
    await desk.bench.deploy(ECHO, STRICT)
    path = f"/v1/skillpacks/pack/deployments/{first['id']}"
    assert (await desk.bench.client.delete(path)).status_code in {200, 204}
    pinned = await desk.post({"skill": "pack/echo"}, params={"version": "1"})
    assert problem(pinned) == (404, "version_not_found")
    assert (await desk.post({"skill": "pack/echo"})).json()["version"] == 2


async def test_a_version_that_is_not_active_runs_where_it_is_pinned(desk: Desk) -> None:
    await desk.bench.deploy(ECHO, activate="false")
    assert (await desk.post({"skill": "pack/echo"})).json()["version"] == 1
    pinned = await desk.post({"skill": "pack/echo"}, params={"version": "2"})
    assert pinned.json()["version"] == 2


async def test_a_skillpack_without_an_active_deployment_says_so(desk: Desk) -> None:
    await desk.bench.deploy(ECHO, slug="idle", activate="false")
    answer = await desk.post({"skill": "idle/echo"})
    assert problem(answer) == (404, "no_active_deployment")


async def test_near_names_are_told_to_secret_keys_in_their_own_workspace_only(desk: Desk) -> None:
    await desk.bench.deploy(ECHO, slug="open", public=True)
    stranger = await desk.mint(await make_workspace(desk.bench.platform, "other"))
    pub = await desk.mint(kind="publishable")
    own = await desk.post({"skill": "pack/ecko"})
    assert "`echo`" in own.json()["detail"]
    for key, skill in ((stranger, "local/open/ecko"), (pub, "pack/ecko")):
        answer = await desk.post({"skill": skill}, key=key)
        assert problem(answer) == (404, "skill_not_found")
        assert "`echo`" not in answer.json()["detail"]


async def test_the_allowlist_says_the_same_of_what_exists_and_of_what_does_not(desk: Desk) -> None:
    (pack,) = (await desk.bench.client.get("/v1/skillpacks")).json()
    fences = Fences(skills=(AllowedSkill(pack["id"], "strict", "pack/strict"),))
    for kind in ("secret", "publishable"):
        key = await desk.mint(kind=kind, fences=fences)
        for skill in ("pack/echo", "pack/nothing", "nobody/pack/echo"):
            answer = await desk.post({"skill": skill}, key=key)
            assert problem(answer) == (403, "skill_not_allowed")
            assert answer.json()["detail"].startswith(
                f"this API key is not allowed to run `{skill}`"
            )
        allowed = await desk.post({"skill": "pack/strict", "inputs": {"n": 1}}, key=key)
        assert allowed.status_code == 201


async def test_a_public_skill_of_another_workspace_runs_and_a_private_one_does_not_exist(
    desk: Desk,
) -> None:
    await desk.bench.deploy(ECHO, slug="open", public=True)
    stranger = await desk.mint(await make_workspace(desk.bench.platform, "other"))
    answer = await desk.post({"skill": "local/open/echo"}, key=stranger)
    assert answer.status_code == 201
    private = await desk.post({"skill": "local/pack/echo"}, key=stranger)
    assert problem(private) == (404, "skill_not_found")


async def test_an_agentic_skill_is_queued_as_one(desk: Desk) -> None:
    await desk.bench.deploy(Agent("agent", "Be helpful."), slug="agents")
    answer = await desk.post({"skill": "agents/agent"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["type"], answer.json()["status"]) == ("agentic", "queued")


@pytest.mark.parametrize(
    "path", ["secrets/plan.txt", "jobs/00000000-0000-7000-8000-000000000000/x", "uploads/other/x"]
)
async def test_a_publishable_key_names_only_files_within_its_reach(desk: Desk, path: str) -> None:
    pub = await desk.mint(kind="publishable")
    body = {"skill": "pack/strict", "inputs": {"n": 1, "f": path}}
    answer = await desk.post(body, key=pub)
    assert problem(answer) == (400, "invalid_inputs")
    assert [fault["path"] for fault in answer.json()["errors"]] == ["$.f"]
    assert (await desk.post(body)).status_code == 201
    own = {"skill": "pack/strict", "inputs": {"n": 1, "f": f"uploads/{pub.id}/x"}}
    assert (await desk.post(own, key=pub)).status_code == 201


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a\\b", "", "a//b"])
async def test_a_file_that_is_no_path_is_a_violation_of_the_inputs(desk: Desk, path: str) -> None:
    answer = await desk.post(
        {"skill": "pack/strict", "inputs": {"n": 1, "f": {"drive_path": path}}}
    )
    assert problem(answer) == (400, "invalid_inputs")

"""Requests that nobody thought of, to a real server: every answer must be one of the contract's.

The contract is steered a little before requests are made from it: where an id is asked for, half of
them are those of things that exist, for random ones find nothing. What the server may answer is
left as it is.

To think of a request takes longer than to answer it, so each goes to a server on SQLite and to one
on PostgreSQL, with the ids of what exists there.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
)

from ..postgres import PostgresServer
from .conftest import Served, serving

ROOT = Path(__file__).parents[2]
CONTRACT: dict[str, Any] = json.loads((ROOT / "contract" / "openapi.json").read_text("utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
}
WITH_FAULTS = [
    label
    for label, operation in OPERATIONS.items()
    if operation.get("security") or "requestBody" in operation
]
"""Those that can be asked for wrongly."""
DATABASES = ("sqlite", "postgres")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
CUTS = re.compile("[#?]")
"""Left unquoted in a path, they cut it off."""
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""For hours, by hand."""
PARTS = len(GenerationMode) * len(DATABASES)
"""In which answers are asked for: right and wrong, on each database."""
ANY_PACE = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
SHORT = settings(ANY_PACE, max_examples=20, derandomize=True)
LONG = settings(ANY_PACE, max_examples=(5_000 if THOROUGH else 160) // PARTS)
SHORT_WALK = settings(ANY_PACE, max_examples=10, stateful_step_count=10)
LONG_WALK = settings(ANY_PACE, max_examples=20 if THOROUGH else 8, stateful_step_count=25)


@dataclass(frozen=True)
class Target:
    """A server with something in it, and the steered contract."""

    schema: Any
    served: Served
    client: httpx2.Client
    own_key_id: str
    ids: dict[str, list[str]]

    @property
    def call(self) -> dict[str, Any]:
        return {
            "base_url": self.served.base,
            "headers": {"Authorization": f"Bearer {self.served.key}"},
            "timeout": 30,
        }

    def ids_like(self, other: Target) -> dict[str, str]:
        """The ids here of what has other ones there."""
        there = itertools.chain.from_iterable(other.ids.values())
        return dict(zip(there, itertools.chain.from_iterable(self.ids.values()), strict=True))

    def is_well(self) -> None:
        """The key is still good, and the server says that it is ready."""
        for path in ("/ready", "/v1/billing/balance"):
            answer = self.client.get(path)
            assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def targets(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Target, ...]]:
    """One on each database."""
    database = {"PURAS_DATABASE_URL": postgres.fresh()}
    with (
        started(tmp_path_factory.mktemp("on-sqlite"), {}) as sqlite,
        started(tmp_path_factory.mktemp("on-postgres"), database) as other,
    ):
        yield sqlite, other


@contextmanager
def started(home: Path, database: dict[str, str]) -> Iterator[Target]:
    """`database` are the settings that lead a server to its own."""
    bundle = shutil.copytree(ROOT / "examples" / "hello-world", home / "bundle")
    with (
        serving(home, env=database) as served,
        httpx2.Client(
            base_url=served.base, headers={"Authorization": f"Bearer {served.key}"}, timeout=60
        ) as client,
    ):
        done = served.puras("deploy", str(bundle), "--skillpack", "demo")
        assert done.returncode == 0, done.stderr
        (own,) = client.get("/v1/keys").json()
        ids = existing(client)
        schema = schemathesis.openapi.from_dict(steered(ids))
        yield Target(schema, served, client, own["id"], ids)


def existing(client: httpx2.Client) -> dict[str, list[str]]:
    """Make one of everything and return what names them, by the names of the parameters.

    `spare` is the skillpack that may be changed and deleted.
    """
    hello = {"skill": "demo/greeting-card", "inputs": {"name": "Ada"}}
    job = client.post("/v1/jobs?wait=1", json=hello).json()
    assert job["status"] == "succeeded", job
    file = client.post("/v1/drive/upload", files={"file": ("a.txt", b"hello")}).json()
    key = client.post("/v1/keys", json={"name": "x", "kind": "publishable", "skills": "all"})
    client.post("/v1/skillpacks", json={"name": "Spare", "slug": "spare"})
    return {
        "job_id": [job["id"]],
        "deployment_id": [job["deployment_id"]],
        "key_id": [key.json()["id"]],
        "ref": ["demo", "local/demo", job["skillpack_id"]],
        "spare": ["spare"],
        "path": [file["drive_path"]],
        "skill": ["demo/greeting-card"],
        "skillpack": ["demo", "local/demo"],
        "skillpack_id": [job["skillpack_id"]],
        "version": ["1"],
        "wait": ["1", "0", "0.2"],
        "timeout": ["0", "0.2"],
        "limit": ["1", "200"],
        "before": [job["id"]],
        "after": ["0", "3", "a"],
        "status": ["succeeded"],
        "Idempotency-Key": ["one", "two", "three", "four", "five"],
    }


def steered(ids: dict[str, list[str]]) -> dict[str, Any]:
    contract = deepcopy(CONTRACT)
    for operations in contract["paths"].values():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                spares = parameter["name"] == "ref" and method in {"delete", "patch"}
                if known := ids.get("spare" if spares else parameter["name"]):
                    parameter["schema"] = {"enum": [*known, "nothing"]}
    schemas = contract["components"]["schemas"]
    hello = {"skill": ids["skill"][0], "inputs": {"name": "Ada"}}
    schemas["SubmitBody"] = {"anyOf": [{"const": hello}, schemas["SubmitBody"]]}
    schemas["SignBody"]["properties"]["path"] = {"enum": ids["path"]}
    for name in ("SkillpackCreate", "SkillpackPatch"):
        schemas[name]["properties"]["slug"] = {"type": "string", "pattern": "^[a-z]{1,8}$"}
    for name in ("KeyCreate", "KeyPatch"):
        schemas[name]["properties"]["expires_at"] = {"const": "2099-01-01T00:00:00Z"}
    return contract


def fuzz(
    targets: tuple[Target, ...], operation: str, *, mode: GenerationMode, profile: settings
) -> None:
    first, *others = targets
    strategy = first.schema.find_operation_by_label(operation).as_strategy(generation_mode=mode)
    renamed = [(other, other.ids_like(first)) for other in others]

    @settings(profile)
    @given(case=strategy)
    def check(case: schemathesis.Case) -> None:
        assume(not CUTS.search(str(case.path_parameters)))
        case.call_and_validate(checks=CHECKS, **first.call)
        asked = [dict(part) for part in parts(case)]
        for other, ids in renamed:
            for part, values in zip(parts(case), asked, strict=True):
                part.update((name, ids.get(str(value), value)) for name, value in values.items())
            case.call_and_validate(checks=CHECKS, **other.call)

    check()
    for target in targets:
        target.is_well()


def parts(case: schemathesis.Case) -> list[dict[str, Any]]:
    """Where a request names what exists."""
    named = (case.path_parameters, case.query, case.body)
    return [part for part in named if isinstance(part, dict)]


def walk(target: Target, *, rounds: int, profile: settings) -> None:
    """Follow what answers name: what was made is read, changed, deleted, and asked for again.

    A server remembers, so the same steps have another outcome the second time. Hypothesis calls
    that flaky and ends the round; a wrong answer is kept apart from it.
    """
    wrong: list[Exception] = []

    class Walk(target.schema.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: schemathesis.Case) -> None:
            if case.path_parameters.get("key_id") == target.own_key_id:
                case.path_parameters["key_id"] = "another"  # or all that follows is 401
            for name, value in case.path_parameters.items():
                case.path_parameters[name] = CUTS.sub("-", str(value))

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return target.call

        def validate_response(self, response: Any, case: schemathesis.Case, **_: Any) -> None:
            try:
                case.validate_response(response, checks=[*CHECKS, use_after_free])
            except* Exception as group:
                wrong.extend(group.exceptions)

    for number in range(rounds):
        with suppress(Flaky):
            run_state_machine_as_test(seed(number)(Walk), settings=profile)
        assert wrong == []
    target.is_well()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_one_of_the_contract(targets: tuple[Target, ...], operation: str) -> None:
    fuzz(targets, operation, mode=GenerationMode.POSITIVE, profile=SHORT)


@pytest.mark.parametrize("operation", WITH_FAULTS)
def test_every_refusal_is_one_of_the_contract(targets: tuple[Target, ...], operation: str) -> None:
    fuzz(targets, operation, mode=GenerationMode.NEGATIVE, profile=SHORT)


@pytest.mark.parametrize("on", range(len(DATABASES)), ids=DATABASES)
def test_every_answer_on_the_way_from_one_to_the_next_is_one_of_the_contract(
    targets: tuple[Target, ...], on: int
) -> None:
    walk(targets[on], rounds=3, profile=SHORT_WALK)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", WITH_FAULTS)
def test_many_answers_are_of_the_contract(
    targets: tuple[Target, ...], operation: str, mode: GenerationMode
) -> None:
    fuzz(targets, operation, mode=mode, profile=LONG)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("on", range(len(DATABASES)), ids=DATABASES)
def test_many_ways_are_of_the_contract(targets: tuple[Target, ...], on: int) -> None:
    walk(targets[on], rounds=50 if THOROUGH else 5, profile=LONG_WALK)

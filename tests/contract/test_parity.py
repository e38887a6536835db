"""Both SDKs are one: the same methods, arguments, options, defaults and errors, in both languages.

The Python side is asked by `inspect`, the JavaScript side by its compiler (`test/surface.mjs`).
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest

import puras
from puras import errors
from puras.client._core import DEFAULT_API_BASE
from puras.client._follow import Transport

SDK = Path(__file__).parents[2] / "sdk/typescript"
KINDS = [puras.Puras, puras.AsyncPuras]

IN_SECONDS = {("submit", "timeout"): "timeoutSeconds"}
"""What both count in seconds, since it is the server that waits."""
OTHER_NAMES = {"timeout": "timeoutMs", "poll_interval": "pollIntervalMs", "http_client": "fetch"}
ONLY_PYTHON = {"close"}
ONLY_JAVASCRIPT = {"signal"}
TYPES = {"str": "string", "int": "number", "float": "number", "bool": "boolean"}

pytestmark = pytest.mark.skipif(
    not (SDK / "node_modules/typescript").exists(), reason="needs `npm ci` in sdk/typescript"
)


@pytest.fixture(scope="module")
def javascript() -> dict[str, Any]:
    command = ["node", "test/surface.mjs"]
    told = subprocess.run(command, cwd=SDK, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    surface: dict[str, Any] = json.loads(told.stdout)
    return surface


def methods(kind: type[Any]) -> list[str]:
    public = [name for name in vars(kind) if not name.startswith("_")]
    return ["__init__", *(name for name in public if name not in ONLY_PYTHON)]


def parameters(kind: type[Any], method: str) -> list[inspect.Parameter]:
    return [*inspect.signature(getattr(kind, method)).parameters.values()][1:]


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def option_name(method: str, name: str) -> str:
    return IN_SECONDS.get((method, name)) or OTHER_NAMES.get(name) or camel(name)


def default(method: str, parameter: inspect.Parameter) -> Any:
    """What JavaScript should fall back to, in its own units."""
    if parameter.name == "api_base":
        return DEFAULT_API_BASE
    value = parameter.default
    if value is inspect.Parameter.empty or value is False:
        return None
    return value * 1000 if option_name(method, parameter.name).endswith("Ms") else value


def python_options(kind: type[Any], method: str, positional: list[str]) -> dict[str, Any]:
    return {
        option_name(method, one.name): default(method, one)
        for one in parameters(kind, method)
        if camel(one.name) not in positional
    }


@pytest.mark.parametrize("kind", KINDS)
def test_both_have_the_same_methods_in_the_same_order(
    kind: type[Any], javascript: dict[str, Any]
) -> None:
    assert [*javascript["client"]] == ["constructor", *methods(kind)[1:]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", methods(puras.Puras))
def test_a_method_takes_the_same_and_defaults_to_the_same(
    kind: type[Any], method: str, javascript: dict[str, Any]
) -> None:
    call = javascript["client"]["constructor" if method == "__init__" else method]
    by_place = [one for one in parameters(kind, method) if one.kind is one.POSITIONAL_OR_KEYWORD]
    if method != "__init__":
        assert [camel(one.name) for one in by_place] == call["positional"]
    options = {name: told["default"] for name, told in call["options"].items()}
    shared = {name: value for name, value in options.items() if name not in ONLY_JAVASCRIPT}
    assert shared == python_options(kind, method, call["positional"])


@pytest.mark.parametrize("method", methods(puras.Puras))
def test_an_option_is_of_the_same_type(method: str, javascript: dict[str, Any]) -> None:
    call = javascript["client"]["constructor" if method == "__init__" else method]
    for parameter in parameters(puras.Puras, method):
        annotation = parameter.annotation.removesuffix(" | None")
        told = call["options"].get(option_name(method, parameter.name))
        if told is not None and annotation in TYPES:
            assert told["type"] == TYPES[annotation], parameter.name


def test_both_know_the_same_transports(javascript: dict[str, Any]) -> None:
    told = javascript["client"]["events"]["options"]["transport"]["choices"]
    assert sorted(told) == sorted(get_args(Transport))


def test_whatever_takes_time_can_be_aborted(javascript: dict[str, Any]) -> None:
    able = [name for name, call in javascript["client"].items() if "signal" in call["options"]]
    assert able == ["submit", "run", "wait", "events", "upload"]


def test_both_have_client_as_an_alias(javascript: dict[str, Any]) -> None:
    assert sorted(javascript["aliases"]) == ["Client", "Puras"]
    assert puras.Client is puras.Puras


def error_classes() -> dict[str, type[Exception]]:
    """Every error of the client; `UserError` is for skills, which are written in Python."""
    found = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}
    return {
        name: kind
        for name, kind in found.items()
        if issubclass(kind, errors.PurasError) and name != "UserError"
    }


def test_both_have_the_same_tree_of_errors(javascript: dict[str, Any]) -> None:
    tree = {
        name: "Error" if name == "PurasError" else kind.__bases__[0].__name__
        for name, kind in error_classes().items()
    }
    assert {name: told["parent"] for name, told in javascript["errors"].items()} == tree
    assert {*tree} <= {*puras.__all__}


@pytest.mark.parametrize(
    "error", [errors.PurasAPIError(404, "gone"), errors.JobError({"id": "1", "status": "failed"})]
)
def test_both_errors_carry_the_same(error: Exception, javascript: dict[str, Any]) -> None:
    fields = [camel(name) for name in vars(error)]
    assert javascript["errors"][type(error).__name__]["fields"] == fields

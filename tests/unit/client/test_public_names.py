"""What `import puras` promises, and what it costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import puras
from puras import errors

CLIENT = ["Puras", "AsyncPuras", "Client", "AsyncClient", "Job", "JobEvent"]
ERRORS = [
    *["PurasError", "PurasAPIError", "BadRequestError", "AuthenticationError"],
    *["InsufficientCreditsError", "PermissionDeniedError", "NotFoundError", "ConflictError"],
    *["PayloadTooLargeError", "InvalidRequestError", "RateLimitError", "ServerError"],
    *["PurasConnectionError", "PurasTimeoutError", "StreamLineTooLongError", "JobError"],
    *["MissingKeyError", "SkillPathError", "UserError"],
]
IN_SKILL = [
    *("log", "progress", "step", "job", "secret", "load_bytes", "load_path", "drive"),
    *("media", "subagent"),
]
HEAVY = {"httpx2", "httpcore2", "anyio", "asyncio", "ssl", "click", "rich", "yaml", "logging"}


def loaded_after(statement: str, *options: str) -> set[str]:
    """The modules that a fresh interpreter has after a statement."""
    source = Path(puras.__file__).parent.parent
    code = f"import sys; sys.path.insert(0, {str(source)!r}); {statement}; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


def test_the_public_names_are_these() -> None:
    assert puras.__all__ == [*CLIENT, *ERRORS, *IN_SKILL, "__version__"]


def test_every_error_class_is_public() -> None:
    classes = inspect.getmembers(errors, inspect.isclass)
    defined = {name for name, kind in classes if issubclass(kind, errors.PurasError)}
    assert set(ERRORS) == defined
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in ERRORS)


@pytest.mark.parametrize("name", [*CLIENT, *ERRORS, *IN_SKILL, "__version__"])
def test_a_public_name_can_be_had(name: str) -> None:
    assert getattr(puras, name) is not None
    assert name in dir(puras)


def test_the_peers_names_are_aliases() -> None:
    assert puras.Client is puras.Puras
    assert puras.AsyncClient is puras.AsyncPuras


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'puras' has no attribute 'nonsense'"):
        puras.nonsense  # noqa: B018


def test_importing_puras_loads_nothing_heavy_and_nothing_else_of_it() -> None:
    loaded = loaded_after("import puras")
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("puras")} == {"puras"}


def test_importing_the_client_and_making_one_opens_no_connection_and_loads_no_http() -> None:
    loaded = loaded_after("from puras import Puras, AsyncPuras; Puras('k'); AsyncPuras('k')")
    assert not loaded & HEAVY


def test_what_a_skill_imports_needs_the_standard_library_alone() -> None:
    loaded = loaded_after(f"from puras import UserError, {', '.join(IN_SKILL)}", "-I", "-S")
    assert {"puras.errors", "puras.run", "puras.inputs", "puras.drive", "puras.subagent"} <= loaded
    assert not any(name.startswith("puras.client") for name in loaded)


def test_the_version_has_a_fallback_where_puras_is_not_installed() -> None:
    statement = "import puras; assert puras.__version__ == '0+not.installed', puras.__version__"
    loaded_after(statement, "-I", "-S")

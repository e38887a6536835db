"""The part of the Python file that types a call: clients whose `run` has one overload a skill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from puras.bundle.types.layout import Brackets, Code, statement
from puras.bundle.types.skills import SkillTypes
from puras.bundle.types.text import literal

_OPTIONS: Final = '''\
class RunOptions(TypedDict, total=False):
    """The options of `run`; times are in seconds."""

    version: int | None
    timeout: float
    poll_interval: float
    on_event: Callable[[JobEvent], object] | None
'''
_ELSE: Final = """\
else:
    TypedPuras = Puras
    AsyncTypedPuras = AsyncPuras
"""


def calls(skills: Sequence[SkillTypes]) -> str:
    """Return the options of `run`, and both clients."""
    clients = [
        _client("TypedPuras", "Puras", "def run", skills),
        _client("AsyncTypedPuras", "AsyncPuras", "async def run", skills),
    ]
    return f"{_OPTIONS}\n\nif TYPE_CHECKING:\n\n" + "\n".join(clients) + f"\n{_ELSE}"


def _client(name: str, base: str, function: str, skills: Sequence[SkillTypes]) -> str:
    doc = f'"""`{base}`, but `run` knows these skills only."""'
    head = f"    class {name}({base}):\n        {doc}\n"
    # Either way `run` takes fewer paths than that of the SDK, which is the point.
    if len(skills) == 1:
        return f"{head}\n{_marked(_method(function, skills[0]))}\n"
    return "\n".join([head, *_overloads(function, skills)])


def _overloads(function: str, skills: Sequence[SkillTypes]) -> Iterator[str]:
    for at, skill in enumerate(skills):
        decorator = "        @overload"
        yield decorator if at else _marked(decorator)
        yield _method(function, skill) + "\n"
    parameters = ("self", "skill: str", "inputs: Any = None", "**options: Any")
    yield statement("", Brackets(f"{function}(", parameters, ") -> Any: ..."), indent=8) + "\n"


def _method(function: str, skill: SkillTypes) -> str:
    missing = " | None = None" if skill.inputs_may_be_missing else ""
    parameters: tuple[Code, ...] = (
        "self",
        Brackets("skill: Literal[", (literal(skill.path),), "]"),
        f"inputs: {skill.inputs_name}{missing}",
        "**options: Unpack[RunOptions]",
    )
    return statement(
        "", Brackets(f"{function}(", parameters, f") -> {skill.result_name}: ..."), indent=8
    )


def _marked(code: str) -> str:
    first, newline, rest = code.partition("\n")
    return f"{first}  # type: ignore[override]{newline}{rest}"

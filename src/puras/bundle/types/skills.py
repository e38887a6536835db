"""The types of several skills, as one file has them: pure, and the same for every language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from puras.bundle.types.declare import Declaration, Declarer
from puras.bundle.types.names import Names, pascal
from puras.bundle.types.read import Reader, Side
from puras.bundle.types.tree import FILE, Doc, Named, Object, Type, options_of, parts

_INPUTS: Final = "Inputs"
_RESULT: Final = "Result"
_ENDINGS: Final = ("", _INPUTS, _RESULT)
_TOO_DEEP: Final = "Its schema leads on too far to be written as a type."
_OPEN: Final[Mapping[str, Any]] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a skill says of itself, and the path that it is called by."""

    path: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SkillTypes:
    """What one skill takes and gives: in both, the first declaration is that of the whole.

    `inputs_may_be_missing` tells that it can be called without any.
    """

    path: str
    name: str
    description: str
    inputs: tuple[Declaration, ...]
    result: tuple[Declaration, ...]
    inputs_may_be_missing: bool

    @property
    def inputs_name(self) -> str:
        return self.inputs[0].name

    @property
    def result_name(self) -> str:
        return self.result[0].name


def types_of_skills(signatures: Sequence[Signature]) -> list[SkillTypes]:
    """Return the types of skills, by their paths.

    Raises:
        SchemaError: a schema is not sound.
    """
    names = Names()
    ordered = sorted({each.path: each for each in signatures}.values(), key=lambda each: each.path)
    stems = {
        each.path: names.claim_group(_stems(each.path, ordered), endings=_ENDINGS)
        for each in ordered
    }
    return [_types(each, stems[each.path], names) for each in ordered]


def takes_files(skills: Sequence[SkillTypes]) -> bool:
    """Tell whether a file may be given somewhere."""
    return any(FILE in parts(declared.type) for skill in skills for declared in skill.inputs)


def _stems(path: str, skills: Sequence[Signature]) -> list[str]:
    """Return names for a skill; the shortest comes first, but not if several skills share it."""
    segments = path.split("/")
    stems = [pascal("-".join(segments[at:])) for at in reversed(range(len(segments)))]
    shared = [each for each in skills if pascal(each.path.rpartition("/")[2]) == stems[0]]
    return stems[1:] if len(shared) > 1 and len(stems) > 1 else stems


def _types(signature: Signature, name: str, names: Names) -> SkillTypes:
    output_schema = _OPEN if signature.output_schema is None else signature.output_schema
    inputs = _declared(signature.input_schema or _OPEN, "inputs", root=name + _INPUTS, names=names)
    result = _declared(output_schema, "result", root=name + _RESULT, names=names)
    known = {each.name: each.type for each in inputs}
    may_be_missing = _may_be_empty(inputs[0].type, known)
    return SkillTypes(signature.path, name, signature.description, inputs, result, may_be_missing)


def _declared(
    schema: Mapping[str, Any], side: Side, root: str, names: Names
) -> tuple[Declaration, ...]:
    try:
        return tuple(Declarer(Reader(schema, side), names, root=root).declarations())
    except RecursionError:
        return (Declaration(root, Object(), Doc((_TOO_DEEP,))),)


def _may_be_empty(type_: Type, declared: Mapping[str, Type]) -> bool:
    for option in options_of(type_):
        found = declared[option.name] if isinstance(option, Named) else option
        if isinstance(found, Object):
            if all(member.is_optional for member in found.properties):
                return True
        elif _may_be_empty(found, declared):
            return True
    return False

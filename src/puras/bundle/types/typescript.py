"""Writes the types of skills in TypeScript.

The file has types only. It also tells the SDK which path has which types, so that a plain
`puras.run("acme/ads/ad", …)` is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from puras.bundle.types.combine import either
from puras.bundle.types.declare import Declaration
from puras.bundle.types.skills import SkillTypes, takes_files
from puras.bundle.types.text import comment_lines, quoted, visible
from puras.bundle.types.tree import (
    NEVER,
    UNKNOWN,
    Array,
    Constant,
    Doc,
    Named,
    Object,
    Property,
    Simple,
    Type,
    Union,
)

_WIDTH: Final = 100
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_SIMPLE: Final = {"file": "FileInput", "integer": "number"}
_FILE_INPUT: Final = """\
/** A file: a URL, a data URI or a drive path, or an object that says which of them it is. */
export type FileInput =
  | string
  | { drive_path: string }
  | { url: string }
  | { data: string }
  | { base64: string };
"""


def typescript(skills: Sequence[SkillTypes], *, command: str) -> str:
    """Return the file; `command` is what writes it again."""
    parts = [
        "// What skills take and give. Change the skills, then write it again:\n"
        f"//   {visible(' '.join(command.split()))}\n",
        'import type {} from "puras";\n',  # or else nothing is there that could be augmented
    ]
    if takes_files(skills):
        parts.append(_FILE_INPUT)
    for skill in skills:
        parts += map(_declaration, (*skill.inputs, *skill.result))
        parts.append(_skill(skill))
    return "\n".join([*parts, _augmentation(skills)])


def _skill(skill: SkillTypes) -> str:
    doc = Doc((f"`{skill.path}`", *([skill.description] if skill.description else [])))
    return (
        f"{_comment(doc)}export interface {skill.name} {{\n"
        f"  inputs: {skill.inputs_name};\n  result: {skill.result_name};\n}}\n"
    )


def _augmentation(skills: Sequence[SkillTypes]) -> str:
    lines = "".join(f"    {quoted(skill.path)}: {skill.name};\n" for skill in skills)
    return f'declare module "puras" {{\n  interface Skills {{\n{lines}  }}\n}}\n'


def _declaration(declared: Declaration) -> str:
    comment = _comment(declared.doc)
    if isinstance(declared.type, Object) and declared.type.properties:
        members = "".join(_members(declared.type))
        return f"{comment}export interface {declared.name} {{\n{members}}}\n"
    return f"{comment}{_line(f'export type {declared.name} =', declared.type)}"


def _members(type_: Object) -> Iterator[str]:
    for member in type_.properties:
        mark = "?" if member.is_optional else ""
        yield _comment(member.doc, indent="  ")
        yield _line(f"{_key(member)}{mark}:", member.type, indent="  ")
    if type_.rest not in (None, NEVER):
        yield _line("[name: string]:", _index(type_), indent="  ")


def _index(type_: Object) -> Type:
    """Return the type of all members together, which an index signature has to allow."""
    optional = any(member.is_optional for member in type_.properties)
    undefined = [Named("undefined")] if optional else []
    return either([type_.rest or UNKNOWN, *(each.type for each in type_.properties), *undefined])


def _key(member: Property) -> str:
    return member.name if _IDENTIFIER.fullmatch(member.name) else quoted(member.name)


def _line(before: str, type_: Type, *, indent: str = "") -> str:
    line = f"{indent}{before} {_expression(type_)};\n"
    if len(line) <= _WIDTH or not isinstance(type_, Union):
        return line
    options = "".join(f"\n{indent}  | {_expression(each)}" for each in type_.options)
    return f"{indent}{before}{options};\n"


def _expression(type_: Type) -> str:
    match type_:
        case Simple(name):
            return _SIMPLE.get(name, name)
        case Constant():
            return quoted(type_.value) if isinstance(type_.value, str) else type_.json
        case Named(name):
            return name
        case Union(options):
            return " | ".join(map(_expression, options))
        case Array():
            return _tuple(type_) if type_.first else f"{_item(type_.items)}[]"
        case Object(rest=rest):
            return _map(rest)
    raise TypeError(f"{type_} was not declared")


def _tuple(type_: Array) -> str:
    parts = [_item(each) + ("" if at < type_.least else "?") for at, each in enumerate(type_.first)]
    rest = [] if type_.items == NEVER else [f"...{_item(type_.items)}[]"]
    return f"[{', '.join([*parts, *rest])}]"


def _item(type_: Type) -> str:
    text = _expression(type_)
    return f"({text})" if isinstance(type_, Union) else text


def _map(rest: Type | None) -> str:
    # Only an index signature may lead back to the type that it stands in.
    if rest is None or isinstance(rest, Simple):
        return f"Record<string, {_expression(rest or UNKNOWN)}>"
    return f"{{ [name: string]: {_expression(rest)} }}"


def _comment(doc: Doc, *, indent: str = "") -> str:
    paragraphs: Iterable[str] = (*doc.paragraphs, *(["@deprecated"] if doc.deprecated else []))
    lines = [
        line.replace("*/", "*\\/")
        for line in comment_lines(tuple(paragraphs), width=_WIDTH - len(indent) - 7)
    ]
    if len(lines) < 2:
        return "".join(f"{indent}/** {line} */\n" for line in lines)
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"

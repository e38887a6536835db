"""Writes the types of skills in Python, and clients whose `run` knows them.

The clients are those of the SDK; only a type checker sees that they are more. What a TypedDict
can't say (other keys beside the named ones) its docstring says.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from puras.bundle.types.declare import Declaration
from puras.bundle.types.layout import WIDTH, Code, flat, statement
from puras.bundle.types.names import TAKEN
from puras.bundle.types.python_calls import calls
from puras.bundle.types.python_types import Annotations
from puras.bundle.types.skills import SkillTypes, takes_files
from puras.bundle.types.text import comment_lines, literal
from puras.bundle.types.tree import NEVER, Doc, Named, Object, Type, parts

_FILE_INPUT: Final = '''\
class FileInDrive(TypedDict):
    drive_path: str


class FileAtUrl(TypedDict):
    url: str


class FileAsData(TypedDict):
    data: str


class FileAsBase64(TypedDict):
    base64: str


FileInput: TypeAlias = str | FileInDrive | FileAtUrl | FileAsData | FileAsBase64
"""A file: a URL, a data URI or a drive path, or a dict that says which of them it is."""
'''
_IMPORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "collections.abc": ("Callable", "Mapping", "Sequence"),
    "typing": (
        "TYPE_CHECKING",
        "Any",
        "Literal",
        "Never",
        "NotRequired",
        "TypeAlias",
        "TypedDict",
        "Unpack",
        "overload",
    ),
}
_BUILT_IN: Final = frozenset({"bool", "dict", "float", "int", "list", "str"})
_MORE_KEYS: Final = "There may be more keys than these, which a TypedDict can't say."


def python(skills: Sequence[SkillTypes], *, command: str) -> str:
    """Return the file; `command` is what writes it again."""
    bodies = [_FILE_INPUT] if takes_files(skills) else []
    for skill in skills:
        for declarations, is_input in ((skill.inputs, True), (skill.result, False)):
            known = {declared.name: declared.type for declared in declarations}
            annotations = Annotations(known, is_input=is_input)
            bodies += [_declaration(declared, annotations) for declared in declarations]
    body = "\n\n".join([*bodies, calls(skills)])
    return f"{_head(command)}\n{_imports(body)}\n\n{body}"


def _head(command: str) -> str:
    told = ("What skills take and give. Change the skills, then write it again:", f"`{command}`")
    lines = _docstring(Doc(told), indent=0)
    return "\n".join([*lines, "", "from __future__ import annotations", ""])


def _imports(body: str) -> str:
    words = set(re.findall(r"\w+", body))
    lines = []
    for module, names in _IMPORTS.items():
        if used := [name for name in names if name in words]:
            lines.append(_import(module, used))
    return "".join(lines) + "\nfrom puras import AsyncPuras, JobEvent, Puras\n"


def _import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}\n"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def _declaration(declared: Declaration, annotations: Annotations) -> str:
    if not isinstance(declared.type, Object) or not declared.type.properties:
        return _alias(declared, annotations)
    names = [member.name for member in declared.type.properties]
    if annotations.known.keys().isdisjoint(names) and all(map(_is_attribute, names)):
        return _class(declared, declared.type, annotations)
    return _functional(declared, declared.type, annotations)


def _alias(declared: Declaration, annotations: Annotations) -> str:
    code: Code = annotations.of(declared.type)
    if any(isinstance(part, Named) for part in parts(declared.type)):
        code = literal(flat(code))  # it may come before what it names
    doc = _docstring(declared.doc, indent=0)
    return "\n".join([statement(f"{declared.name}: TypeAlias = ", code), *doc]) + "\n"


def _class(declared: Declaration, type_: Object, annotations: Annotations) -> str:
    lines = [f"class {declared.name}(TypedDict):"]
    if doc := _docstring(_with_more(declared.doc, type_.rest), indent=4):
        lines += [*doc, ""]
    for member in type_.properties:
        lines.append(statement(f"{member.name}: ", annotations.of_member(member), indent=4))
        lines += _docstring(member.doc, indent=4)
    return "\n".join(lines) + "\n"


def _functional(declared: Declaration, type_: Object, annotations: Annotations) -> str:
    lines = [f"{declared.name} = TypedDict(", f'    "{declared.name}",', "    {"]
    for member in type_.properties:
        lines += [f"        # {line}".rstrip() for line in _paragraphs(member.doc, indent=10)]
        annotation = literal(flat(annotations.of_member(member)))
        lines.append(f"        {literal(member.name)}: {annotation},")
    doc = _docstring(_with_more(declared.doc, type_.rest), indent=0)
    return "\n".join([*lines, "    },", ")", *doc]) + "\n"


def _is_attribute(name: str) -> bool:
    """Tell whether a class can have it: two underscores would be mangled, and a name that
    annotations use would be taken for the type."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith("__")
        and unicodedata.normalize("NFKC", name) == name
        and name not in _BUILT_IN | TAKEN
    )


def _with_more(doc: Doc, rest: Type | None) -> Doc:
    if rest is None or rest == NEVER:
        return doc
    return Doc((*doc.paragraphs, _MORE_KEYS), doc.deprecated)


def _paragraphs(doc: Doc, *, indent: int) -> list[str]:
    deprecated = ("Deprecated.",) if doc.deprecated else ()
    return comment_lines((*doc.paragraphs, *deprecated), width=WIDTH - indent)


def _docstring(doc: Doc, *, indent: int) -> list[str]:
    lines = [
        line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        for line in _paragraphs(doc, indent=indent + 6)
    ]
    if not lines:
        return []
    first = " " + lines[0] if lines[0].startswith('"') else lines[0]
    if len(lines) == 1:
        last = first + " " if first.endswith(('"', "\\")) else first
        return [f'{" " * indent}"""{last}"""']
    return list(_indented([f'"""{first}', *lines[1:], '"""'], indent))


def _indented(lines: Sequence[str], indent: int) -> Iterator[str]:
    for line in lines:
        yield (" " * indent + line).rstrip()

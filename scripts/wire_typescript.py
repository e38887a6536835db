"""Writes the types of `puras/wire.py` in TypeScript: source text in, source text out.

It reads the module's syntax, not the module: only there literals still have their names, and types
the order in which they were written. What it does not know it refuses, so that nothing is lost.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Final

_HEADER: Final = """\
// Generated from src/puras/wire.py by scripts/contract.py: edit that file.

/**
 * Every shape that crosses the wire.
 *
 * Times are ISO-8601 UTC strings with microseconds, ids are UUIDv7 strings, money is an integer
 * number of micros (1 USD = 1,000,000); only fields that end in `_usd` have a fraction.
 */
"""
_NAMES: Final = {
    "Any": "unknown",
    "None": "null",
    "bool": "boolean",
    "float": "number",
    "int": "number",
    "str": "string",
}
_WIDTH: Final = 100


def typescript(source: str) -> str:
    """Return the TypeScript of a Python module's TypedDicts and Literal aliases, in its order.

    Raises:
        ValueError: a type is written in a way that has no counterpart here.
    """
    return "\n".join([_HEADER, *_declarations(ast.parse(source))])


def _declarations(module: ast.Module) -> Iterator[str]:
    for statement in module.body:
        match statement:
            case ast.ClassDef():
                yield _interface(statement)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias")):
                assert statement.value is not None
                yield _alias(name, statement.value)


def _alias(name: str, value: ast.expr) -> str:
    line = f"export type {name} = {_type(value)};\n"
    if len(line) <= _WIDTH or not isinstance(value, ast.Subscript):
        return line
    options = "".join(f"\n  | {option}" for option in _options(value.slice))
    return f"export type {name} ={options};\n"


def _interface(declared: ast.ClassDef) -> str:
    bases = [ast.unparse(base) for base in declared.bases if ast.unparse(base) != "TypedDict"]
    extends = f" extends {', '.join(bases)}" if bases else ""
    fields = "".join(_fields(declared))
    return f"{_comment(declared)}export interface {declared.name}{extends} {{\n{fields}}}\n"


def _fields(declared: ast.ClassDef) -> Iterator[str]:
    for statement in declared.body:
        match statement:
            case ast.AnnAssign(
                target=ast.Name(id=name),
                annotation=ast.Subscript(value=ast.Name(id="NotRequired"), slice=inner),
            ):
                yield f"  {name}?: {_type(inner)};\n"
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                yield f"  {name}: {_type(annotation)};\n"


def _comment(declared: ast.ClassDef) -> str:
    text = ast.get_docstring(declared)
    if text is None:
        return ""
    lines = re.sub(r"\bNone\b", "null", text).replace("*/", "*\\/").splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def _type(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return _NAMES.get(name, name)
        case ast.Constant(value=None):
            return "null"
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_type(left)} | {_type(right)}"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=options):
            return " | ".join(_options(options))
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return f"{_type(item)}[]" if not isinstance(item, ast.BinOp) else f"({_type(item)})[]"
        case ast.Subscript(
            value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), value])
        ):
            return f"Record<string, {_type(value)}>"
    raise ValueError(f"{ast.unparse(node)} has no counterpart in TypeScript yet")


def _options(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    return [json.dumps(ast.literal_eval(element)) for element in elements]

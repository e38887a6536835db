"""Where a skill or a tool begins: `<file>.py:<function>`, read without importing anything.

The file must lie in the skill's folder and define the function at its top level, and the function
must be callable with the inputs that the skill declares.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from puras.bundle.faults import Findings, did_you_mean
from puras.bundle.text_file import read_bytes

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_ENTRYPOINT = re.compile(r"(?P<file>[^:\\]+\.py):(?P<function>[^\W\d]\w*)")
_COMPOSED = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"})
_OPEN = frozenset({"patternProperties", "additionalProperties", "unevaluatedProperties"})


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """`file` is relative to the skill's folder."""

    file: str
    function: str


def parse_entrypoint(text: str) -> Entrypoint | str:
    """Read `<file>.py:<function>`; a string says what is wrong with it."""
    match = _ENTRYPOINT.fullmatch(text)
    if match is None:
        return "write `<file>.py:<function>`, such as `main.py:run`"
    segments = match["file"].split("/")
    if ".." in segments or match["file"].startswith("/"):
        return f"`{match['file']}` leads out of the skill's folder: move the file into it"
    if "" in segments or "." in segments:
        return f"write the file as `{PurePosixPath(match['file']).as_posix()}`"
    return Entrypoint(match["file"], match["function"])


def find_function(
    text: str, *steps: str | int, folder: Path, findings: Findings
) -> FunctionNode | None:
    """Return the function that an entrypoint names, or None after noting why there is none."""
    entrypoint = parse_entrypoint(text)
    if isinstance(entrypoint, str):
        findings.add(entrypoint, *steps)
        return None
    path = folder / entrypoint.file
    if not path.is_file():
        findings.add(f"there is no file `{entrypoint.file}`{_near_file(path, folder)}", *steps)
        return None
    if not path.resolve().is_relative_to(folder.resolve()):
        findings.add(f"`{entrypoint.file}` leads out of the skill's folder: copy it", *steps)
        return None
    module = _parsed(path, *steps, name=entrypoint.file, findings=findings)
    return _named(module, entrypoint, *steps, findings=findings) if module else None


def check_parameters(
    function: FunctionNode, schema: Mapping[str, Any], *, findings: Findings
) -> None:
    """Note inputs that the function does not take, and parameters that no input fills.

    A decorator may change what a function takes, so a decorated one is not judged.
    """
    properties = schema.get("properties", {})
    if function.decorator_list or not isinstance(properties, Mapping):
        return
    arguments = function.args
    named = [argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)]
    if arguments.kwarg is None:
        for name in properties:
            if name not in named:
                hint = did_you_mean(name, named) or ": add it, or `**inputs`"
                message = f"`{function.name}` has no parameter `{name}`{hint}"
                findings.add(message, "input_schema", "properties", name)
    may_have_more = bool(_COMPOSED.union(_OPEN).intersection(schema))
    for name in _required(arguments):
        if name not in named:
            message = f"`{name}` of `{function.name}` is positional-only, and inputs come by name"
            findings.add(message, "entrypoint")
        elif name not in properties and not may_have_more:
            message = f"`{function.name}` needs `{name}`: declare it in `input_schema.properties`"
            findings.add(f"{message}, or give it a default", "entrypoint")


def docstring(function: FunctionNode) -> str:
    """Return the first paragraph of a function's docstring as one line, or nothing."""
    return " ".join((ast.get_docstring(function) or "").partition("\n\n")[0].split())


def _near_file(path: Path, folder: Path) -> str:
    names = [found.relative_to(folder).as_posix() for found in path.parent.glob("*.py")]
    return did_you_mean(path.relative_to(folder).as_posix(), sorted(names)) or ": write it"


def _parsed(path: Path, *steps: str | int, name: str, findings: Findings) -> ast.Module | None:
    source = read_bytes(path, findings)
    if source is None:
        return None
    try:
        return ast.parse(source, filename=name)
    except SyntaxError as error:
        findings.add(f"`{name}` is no Python: line {error.lineno}: {error.msg}", *steps)
    except (ValueError, RecursionError, MemoryError) as error:
        findings.add(f"`{name}` can't be read as Python: {error}", *steps)
    return None


def _named(
    module: ast.Module, entrypoint: Entrypoint, *steps: str | int, findings: Findings
) -> FunctionNode | None:
    functions = {node.name: node for node in _functions(module.body)}
    if entrypoint.function not in functions:
        hint = did_you_mean(entrypoint.function, functions) or ": define it at the top level"
        findings.add(f"`{entrypoint.file}` has no function `{entrypoint.function}`{hint}", *steps)
    return functions.get(entrypoint.function)


def _functions(body: list[Any]) -> Iterator[FunctionNode]:
    # `if`, `try` and `with` at the top level are still the top level.
    for node in body:
        if isinstance(node, FunctionNode):
            yield node
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            for block in ("body", "orelse", "finalbody"):
                yield from _functions(getattr(node, block, []))
            for handler in getattr(node, "handlers", []):
                yield from _functions(handler.body)


def _required(arguments: ast.arguments) -> list[str]:
    ordered = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    keyword = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [
        *ordered[: len(ordered) - len(arguments.defaults)],
        *(argument.arg for argument, default in keyword if default is None),
    ]

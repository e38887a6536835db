"""Breaks Python code into lines as the usual formatters do, so that they leave it as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

WIDTH: Final = 88
_STEP: Final = 4


@dataclass(frozen=True, slots=True)
class Brackets:
    """Parts between brackets, with commas: `Literal[`, …, `]`."""

    before: str
    parts: tuple[Code, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Pipe:
    """Alternatives: `int | None`."""

    parts: tuple[Code, ...]


Code: TypeAlias = str | Brackets | Pipe


def flat(code: Code) -> str:
    """Write code on one line."""
    match code:
        case Brackets():
            return f"{code.before}{', '.join(map(flat, code.parts))}{code.after}"
        case Pipe():
            return " | ".join(map(flat, code.parts))
    return code


def statement(before: str, code: Code, *, indent: int = 0) -> str:
    """Write a line that ends with code, or the lines that it becomes."""
    if not _fits(before + flat(code), indent) and _gains_by_brackets(code, indent):
        code = Brackets("(", (code,), ")")
    return "\n".join(_lines(code, before, "", indent))


def _gains_by_brackets(code: Code, indent: int) -> bool:
    return isinstance(code, Pipe) or (isinstance(code, str) and _fits(code, indent + _STEP))


def _lines(code: Code, before: str, after: str, indent: int) -> list[str]:
    whole = before + flat(code) + after
    if isinstance(code, str) or _fits(whole, indent):
        return [" " * indent + whole]
    if isinstance(code, Pipe):
        first, *others = code.parts
        last = len(others) - 1
        lines = _lines(first, before, "", indent)
        for at, part in enumerate(others):
            lines += _lines(part, "| ", after if at == last else "", indent)
        return lines
    opening, closing = before + code.before, code.after + after
    return [" " * indent + opening, *_body(code, indent + _STEP), " " * indent + closing]


def _body(code: Brackets, indent: int) -> list[str]:
    on_one_line = ", ".join(map(flat, code.parts))
    if _fits(on_one_line, indent):
        return [" " * indent + on_one_line]
    comma = "," if len(code.parts) > 1 else ""
    return [line for part in code.parts for line in _lines(part, "", comma, indent)]


def _fits(line: str, indent: int) -> bool:
    return indent + len(line) <= WIDTH

"""The graders that need nothing but the result: `exact_match` and `schema`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from puras.bundle.graders import Grader, path_steps
from puras.bundle.schema import compile_schema, shape_output
from puras.server.evals.graded import Finding

_SHOWN = 5
_LONGEST_VALUE = 100
_NOWHERE = object()


def exact_match(grader: Grader, result: Mapping[str, Any], expected: Any) -> Finding:
    """Score the share of places that have what is expected there."""
    if expected is None:
        return Finding(None, error="the case has nothing `expected` to compare with")
    paths = grader.paths or _members(expected)
    if not paths:
        same = _same(result, expected)
        return Finding(float(same), "" if same else "it is not what is expected")
    wrong = [path for path in paths if not _same_at(path, result, expected)]
    told = "; ".join(_difference(path, result, expected) for path in wrong[:_SHOWN])
    return Finding(1 - len(wrong) / len(paths), told)


def fits_schema(
    grader: Grader, result: Mapping[str, Any], output_schema: Mapping[str, Any] | None
) -> Finding:
    """Score 1 for a result that fits the grader's schema, or the skill's own, else 0."""
    if grader.schema is None:
        _, faults = shape_output(output_schema, result)
    else:
        faults = compile_schema(grader.schema).violations(result)
    told = "; ".join(f"{fault['path']}: {fault['message']}" for fault in faults[:_SHOWN])
    return Finding(0.0 if faults else 1.0, told)


def _members(expected: Any) -> Sequence[str]:
    return [f"${{{name}}}" for name in expected] if isinstance(expected, Mapping) else ()


def _steps(path: str) -> list[str | int]:
    # A member's name is taken as it is, also where it has dots in it.
    return [path[2:-1]] if path.startswith("${") else path_steps(path)


def _at(value: Any, path: str) -> Any:
    for step in _steps(path):
        try:
            value = value[step]
        except (LookupError, TypeError):
            return _NOWHERE
    return value


def _same_at(path: str, result: Any, expected: Any) -> bool:
    wanted = _at(expected, path)
    return wanted is not _NOWHERE and _same(_at(result, path), wanted)


def _same(one: Any, other: Any) -> bool:
    """Compare JSON values: 1 is 1.0, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or math.isclose(one, other, rel_tol=1e-9)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _difference(path: str, result: Any, expected: Any) -> str:
    place = path[2:-1] if path.startswith("${") else path
    wanted, found = _at(expected, path), _at(result, path)
    if wanted is _NOWHERE:
        return f"{place}: nothing is expected there"
    return f"{place}: {_shown(found)} instead of {_shown(wanted)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is _NOWHERE else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"

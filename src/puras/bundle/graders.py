"""Graders: what looks at a run's result and gives it a score from 0 to 1.

check        a Python function of the bundle says
rubric       a model says, by criteria
exact_match  places of the result have what the case expects there
schema       the result fits a JSON Schema
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from puras.bundle.entrypoints import find_function
from puras.bundle.faults import Findings, Steps
from puras.bundle.schema import schema_faults
from puras.bundle.skill_keys import Check, check_fields, is_model, is_text, one_of
from puras.wire import MAX_GRADERS, GraderKind

THRESHOLDS: Final[Mapping[str, float]] = {
    "check": 0.5,
    "rubric": 0.7,
    "exact_match": 1.0,
    "schema": 1.0,
}
"""The score with which a result passes a grader that names none."""

MAX_CRITERIA = 50
_PATH = re.compile(r"\$?(?:\.?[^.\[\]\s]+|\[\d+\])(?:\.[^.\[\]\s]+|\[\d+\])*")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Grader:
    """One grader of a skill.

    threshold    the score with which a result passes
    entrypoint   check: `<file>.py:<function>` in the skill's folder
    criteria     rubric: what a model judges one by one; `model` its slug, None the server's default
    paths        exact_match: what is compared; none: each member of what is expected
    schema       schema: None is the skill's own `output_schema`
    """

    name: str
    kind: GraderKind
    weight: float
    threshold: float
    entrypoint: str = ""
    criteria: tuple[str, ...] = ()
    model: str | None = None
    paths: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


def is_share(value: Any) -> str | None:
    """Note what is no number from 0 to 1."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if is_number and 0 <= value <= 1 else "write a number from 0 to 1"


def _is_weight(value: Any) -> str | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if is_number and 0 < value <= 1000 else "write a number above 0, at most 1000"


def _are_criteria(value: Any) -> str | None:
    texts = [value] if isinstance(value, str) else value
    fits = isinstance(texts, list) and texts and all(is_text(text) is None for text in texts)
    if not fits:
        return "write what is to be judged: a text, or a list of texts"
    return None if len(texts) <= MAX_CRITERIA else f"write at most {MAX_CRITERIA} criteria"


def _are_paths(value: Any) -> str | None:
    paths = [value] if isinstance(value, str) else value
    fits = isinstance(paths, list) and paths and all(map(_is_path, paths))
    return None if fits else "write places in the result, such as `[label, items[0].price]`"


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


def _anything(value: Any) -> str | None:
    return None


_KIND = one_of(*get_args(GraderKind))
_COMMON: Mapping[str, Check] = {
    "name": is_text,
    "kind": _KIND,
    "type": _KIND,
    "weight": _is_weight,
    "threshold": is_share,
}
_OWN: Mapping[str, Mapping[str, Check]] = {
    "check": {"entrypoint": is_text},
    "rubric": {"criteria": _are_criteria, "text": _are_criteria, "model": is_model},
    "exact_match": {"paths": _are_paths},
    "schema": {"schema": _anything},
}


def read_graders(
    listed: Any, *steps: str | int, folder: Path, findings: Findings
) -> tuple[Grader, ...]:
    """Read a list of graders; what is wrong is noted, and those are left out."""
    if not isinstance(listed, list):
        findings.add("write a list of graders, each with its `kind`", *steps)
        return ()
    if len(listed) > MAX_GRADERS:
        findings.add(f"there are more than {MAX_GRADERS} graders: leave some out", *steps)
        return ()
    graders: list[Grader] = []
    for index, fields in enumerate(listed):
        at = (*steps, index)
        grader = _read_grader(fields, at, folder=folder, findings=findings)
        if grader is None:
            continue
        if grader.name in {other.name for other in graders}:
            findings.add(f"there are two graders `{grader.name}`: give one another `name`", *at)
        graders.append(grader)
    return tuple(graders)


def _read_grader(fields: Any, at: Steps, *, folder: Path, findings: Findings) -> Grader | None:
    kind = fields.get("kind", fields.get("type")) if isinstance(fields, dict) else None
    known_kind = isinstance(kind, str) and kind in _OWN
    known = {**_COMMON, **(_OWN[str(kind)] if known_kind else {})}
    before = len(findings.faults)
    if not known_kind and isinstance(fields, dict):
        findings.add(str(_KIND(kind)), *at, "kind")
        return None
    if not check_fields(fields, *at, known=known, findings=findings):
        return None
    _check_own(fields, str(kind), at, folder=folder, findings=findings)
    return None if len(findings.faults) > before else _grader(fields, kind)


def _check_own(
    fields: Mapping[str, Any], kind: str, at: Steps, *, folder: Path, findings: Findings
) -> None:
    if kind == "check":
        if "entrypoint" not in fields:
            findings.add("name the function that checks: `evals/checks.py:judge`", *at)
        elif isinstance(fields["entrypoint"], str):
            find_function(fields["entrypoint"], *at, "entrypoint", folder=folder, findings=findings)
    elif kind == "rubric" and not {"criteria", "text"} & fields.keys():
        findings.add("the rubric needs `criteria`: what a model is to judge", *at)
    elif kind == "schema" and "schema" in fields:
        findings.add_all(schema_faults(fields["schema"]), *at, "schema")


def _grader(fields: Mapping[str, Any], kind: Any) -> Grader:
    return Grader(
        name=fields.get("name", kind),
        kind=kind,
        weight=float(fields.get("weight", 1)),
        threshold=float(fields.get("threshold", THRESHOLDS[kind])),
        entrypoint=fields.get("entrypoint", ""),
        criteria=_as_tuple(fields.get("criteria", fields.get("text", ()))),
        model=fields.get("model"),
        paths=_as_tuple(fields.get("paths", ())),
        schema=fields.get("schema"),
    )


def _as_tuple(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def path_steps(path: str) -> list[str | int]:
    """Read `$.items[0].price` or `items[0].price` as the steps that lead there."""
    found = _STEP.finditer(path.removeprefix("$").lstrip("."))
    return [int(step[1]) if step[1] else step[2] for step in found]

"""The evals of a skill: cases to run it on, and graders to judge what comes of it.

    evals:
      dataset: evals/tickets.jsonl        or `cases:`, or both
      graders:
        - {kind: exact_match, paths: [label]}
        - {kind: rubric, criteria: [It is polite.]}
      threshold: 0.9                      which share of the runs has to pass

A plain list under `evals` are its cases. What is read here was checked when it was deployed, so the
server reads it again by the same functions, without looking at faults.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puras.bundle.faults import Findings, Steps
from puras.bundle.graders import Grader, is_share, read_graders
from puras.bundle.schema import SchemaError, can_compile, compile_schema, fill_defaults
from puras.bundle.skill_keys import Check, check_fields, is_count, is_flag, is_text, is_texts
from puras.bundle.text_file import read_text
from puras.bundle.yaml_1_2 import YAMLFault, read_yaml
from puras.wire import MAX_EVAL_CASES

MAX_REPEAT = 100
DATASETS = (".jsonl", ".yaml", ".yml")
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Case:
    """Inputs to run the skill on. `graders` are those of this case alone; `expected` None: nothing
    is known of the right answer."""

    id: str
    inputs: Mapping[str, Any]
    expected: Any
    tags: tuple[str, ...]
    graders: tuple[Grader, ...] = ()


@dataclass(frozen=True, slots=True)
class Evals:
    """`threshold` is the share of runs that has to pass; `on_run`: ordinary runs are graded too."""

    cases: tuple[Case, ...] = ()
    graders: tuple[Grader, ...] = ()
    threshold: float = 1.0
    repeat: int = 1
    on_run: bool = False

    def graders_of(self, case: Case | None) -> tuple[Grader, ...]:
        """Return what judges a run: the graders of all, then those of its case."""
        return (*self.graders, *(case.graders if case else ()))

    def all_graders(self) -> list[Grader]:
        """Return every grader once, those of the same name and kind as one."""
        every = [*self.graders, *(grader for case in self.cases for grader in case.graders)]
        return list({(grader.name, grader.kind): grader for grader in every}.values())


def _anything(value: Any) -> str | None:
    return None


def _is_mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else "write a mapping from names to values"


def _is_id(value: Any) -> str | None:
    fits = is_text(value) is None and len(value) <= _LONGEST_ID
    return None if fits else f"write a text of at most {_LONGEST_ID} characters"


def _is_repeat(value: Any) -> str | None:
    fits = is_count(value) is None and value <= MAX_REPEAT
    return None if fits else f"write a whole number from 1 to {MAX_REPEAT}"


_EVALS: Mapping[str, Check] = {
    "cases": _anything,
    "dataset": is_text,
    "graders": _anything,
    "threshold": is_share,
    "repeat": _is_repeat,
    "on_run": is_flag,
}
_CASE: Mapping[str, Check] = {
    "id": _is_id,
    "name": _is_id,
    "inputs": _is_mapping,
    "expected": _anything,
    "tags": is_texts,
    "graders": _anything,
}


def read_evals(
    fields: Any, *, folder: Path, input_schema: Any, findings: Findings, prefix: Steps = ("evals",)
) -> Evals:
    """Read what `evals` of a skill holds; all that is wrong is noted.

    `folder` is the skill's, in which the dataset and the files of checks lie.
    """
    if isinstance(fields, list):
        fields = {"cases": fields}
    if not check_fields(fields, *prefix, known=_EVALS, findings=findings):
        return Evals()
    reading = _Reading(folder, input_schema, findings, prefix)
    graders: tuple[Grader, ...] = ()
    if "graders" in fields:
        graders = read_graders(
            fields["graders"], *prefix, "graders", folder=folder, findings=findings
        )
    cases = tuple(reading.cases(fields))
    for index, case in enumerate(cases):
        if not graders and not case.graders and "graders" not in fields:
            findings.add(f"nothing judges case {index + 1}, `{case.id}`: add `graders`", *prefix)
            break
    return Evals(
        cases,
        graders,
        threshold=_sound(fields, "threshold", 1.0),
        repeat=_sound(fields, "repeat", 1),
        on_run=fields.get("on_run") is True,
    )


def _sound(fields: Mapping[str, Any], key: str, default: Any) -> Any:
    value = fields.get(key, default)
    return default if _EVALS[key](value) else value


@dataclass(frozen=True, slots=True)
class _Reading:
    folder: Path
    input_schema: Any
    findings: Findings
    prefix: Steps

    def cases(self, fields: Mapping[str, Any]) -> Iterator[Case]:
        """Give the cases that stand inside, then those of the dataset."""
        seen: set[str] = set()
        listed = fields.get("cases", [])
        if not isinstance(listed, list):
            self.findings.add("write a list of cases, each with `inputs`", *self.prefix, "cases")
            listed = []
        found = [(case, (*self.prefix, "cases", i)) for i, case in enumerate(listed)]
        at = (*self.prefix, "dataset")
        if isinstance(fields.get("dataset"), str):
            found += [(case, at) for case in self._dataset(fields["dataset"], at)]
        if len(found) > MAX_EVAL_CASES:
            message = f"there are more than {MAX_EVAL_CASES:,} cases: split the dataset"
            self.findings.add(message, *self.prefix)
            return
        for number, (case, steps) in enumerate(found, 1):
            yield from self._case(case, steps, number=number, seen=seen)

    def _case(self, fields: Any, steps: Steps, *, number: int, seen: set[str]) -> Iterator[Case]:
        in_file = Findings(self.findings.file)
        if check_fields(fields, known=_CASE, findings=in_file):
            case = self._read_case(fields, number, in_file)
            if case.id in seen:
                in_file.add(f"there are two cases `{case.id}`: give one another `id`")
            seen.add(case.id)
            yield case
        label = f"case {number}: " if steps[-1] == "dataset" else ""
        for fault in in_file.faults:
            inner = "" if label else fault["path"].removeprefix("$")
            place = f"{fault['path']} " if label and fault["path"] != "$" else ""
            self.findings.add_all(
                [{"path": f"${inner}", "message": f"{label}{place}{fault['message']}"}], *steps
            )

    def _read_case(self, fields: Mapping[str, Any], number: int, findings: Findings) -> Case:
        inputs = fields.get("inputs")
        if inputs is None:
            findings.add("the case needs `inputs`")
        elif isinstance(inputs, dict):
            findings.add_all(self._violations(inputs), "inputs")
        graders: tuple[Grader, ...] = ()
        if "graders" in fields:
            graders = read_graders(
                fields["graders"], "graders", folder=self.folder, findings=findings
            )
        tags = fields.get("tags", [])
        return Case(
            id=str(fields.get("id", fields.get("name", f"case-{number}"))),
            inputs=inputs if isinstance(inputs, dict) else {},
            expected=fields.get("expected"),
            tags=tuple(tags) if is_texts(tags) is None else (),
            graders=graders,
        )

    def _violations(self, inputs: dict[str, Any]) -> list[Any]:
        schema = self.input_schema
        if not (isinstance(schema, Mapping) and can_compile()):
            return []
        try:
            return compile_schema(schema).violations(fill_defaults(schema, inputs))
        except SchemaError:
            return []  # told of already, where the schema stands

    def _dataset(self, name: str, at: Steps) -> list[Any]:
        path = self.folder / name
        if Path(name).suffix not in DATASETS:
            self.findings.add("a dataset is a file `.jsonl` or `.yaml` of this skill", *at)
        elif not path.resolve().is_relative_to(self.folder.resolve()):
            self.findings.add(f"`{name}` leads out of the skill's folder: move it there", *at)
        elif not path.is_file():
            self.findings.add(f"there is no file `{name}`: write it", *at)
        else:
            return self._lines(path, name, at)
        return []

    def _lines(self, path: Path, name: str, at: Steps) -> list[Any]:
        in_file = Findings(self.findings.file)
        text = read_text(path, in_file)
        if text is None:
            self.findings.add(f"`{name}`: {in_file.faults[0]['message']}", *at)
            return []
        try:
            return _yaml_cases(text) if path.suffix != ".jsonl" else _json_lines(text)
        except (YAMLFault, ValueError) as error:
            self.findings.add(f"`{name}`: {error}", *at)
            return []


def _yaml_cases(text: str) -> list[Any]:
    value = read_yaml(text)
    cases = value.get("cases") if isinstance(value, dict) else value
    if not isinstance(cases, list):
        raise ValueError("write a list of cases, each with `inputs`")
    return cases


def _json_lines(text: str) -> list[Any]:
    cases = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            cases.append(json.loads(line, parse_constant=_no_constant))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is no JSON: {error}") from None
    return cases


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON has no number {name}")

"""What `evals` of a skill.yaml may hold, and what is said of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from puras.bundle.evals import Evals, read_evals
from puras.bundle.faults import Findings
from puras.bundle.graders import path_steps
from puras.bundle.validate import check_folder

from .conftest import Write

CHECK = "def judge(inputs, result, expected): return True\n"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
EXACT = {"kind": "exact_match"}


def read(folder: Path, evals: Any) -> tuple[Evals, list[tuple[str, str]]]:
    findings = Findings("skill.yaml")
    found = read_evals(evals, folder=folder, input_schema=SCHEMA, findings=findings)
    return found, [(fault["path"], fault["message"]) for fault in findings.faults]


def sound(folder: Path, evals: Any) -> Evals:
    found, faults = read(folder, evals)
    assert faults == []
    return found


def test_cases_and_graders_are_read_with_their_defaults(tmp_path: Path) -> None:
    evals = sound(
        tmp_path,
        {
            "cases": [
                {"inputs": {"n": 1}},
                {"id": "two", "inputs": {"n": 2}, "expected": {"m": 4}, "tags": ["even"]},
            ],
            "graders": [EXACT, {"kind": "rubric", "criteria": ["Is it even?"], "weight": 2}],
        },
    )
    assert [(case.id, case.expected, case.tags) for case in evals.cases] == [
        ("case-1", None, ()),
        ("two", {"m": 4}, ("even",)),
    ]
    assert [(g.name, g.kind, g.weight, g.threshold) for g in evals.graders] == [
        ("exact_match", "exact_match", 1.0, 1.0),
        ("rubric", "rubric", 2.0, 0.7),
    ]
    assert (evals.threshold, evals.repeat, evals.on_run) == (1.0, 1, False)


def test_a_list_has_cases_that_bring_their_graders(tmp_path: Path) -> None:
    graders = [{"type": "schema"}, {"type": "rubric", "text": "It names the product."}]
    evals = sound(tmp_path, [{"name": "one", "inputs": {"n": 1}, "graders": graders}])
    (case,) = evals.cases
    assert case.id == "one"
    assert [grader.kind for grader in evals.graders_of(case)] == ["schema", "rubric"]
    assert case.graders[1].criteria == ("It names the product.",)
    assert [grader.name for grader in evals.all_graders()] == ["schema", "rubric"]


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.yaml", "cases.yml"])
def test_a_dataset_lies_in_a_file(tmp_path: Path, name: str) -> None:
    cases = [{"inputs": {"n": n}, "expected": {"n": n}} for n in (1, 2)]
    lines = "\n".join(map(json.dumps, cases)) + "\n\n"
    (tmp_path / name).write_text(lines if name.endswith("jsonl") else json.dumps(cases))
    evals = sound(tmp_path, {"dataset": name, "cases": cases[:1], "graders": [EXACT]})
    assert [case.id for case in evals.cases] == ["case-1", "case-2", "case-3"]


def test_a_check_names_a_function_of_the_skill(tmp_path: Path) -> None:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "checks.py").write_text(CHECK)
    grader = {"kind": "check", "entrypoint": "evals/checks.py:judge"}
    evals = sound(tmp_path, {"cases": [{"inputs": {"n": 1}}], "graders": [grader]})
    assert evals.graders[0].entrypoint == "evals/checks.py:judge"
    _, faults = read(tmp_path, {"graders": [{**grader, "entrypoint": "evals/checks.py:jugde"}]})
    assert "did you mean `judge`?" in faults[0][1]


CASES: list[tuple[Any, str, str]] = [
    (3, "$.evals", "write a mapping"),
    ({"case": []}, "$.evals.case", "did you mean `cases`?"),
    ({"cases": {}}, "$.evals.cases", "write a list of cases"),
    ({"cases": [3], "graders": []}, "$.evals.cases[0]", "write a mapping"),
    ({"cases": [{}], "graders": []}, "$.evals.cases[0]", "needs `inputs`"),
    ({"cases": [{"inputs": {}}], "graders": []}, "$.evals.cases[0].inputs", "`n` is missing"),
    ({"cases": [{"inputs": {"n": "x"}}], "graders": []}, "$.evals.cases[0].inputs.n", "integer"),
    ({"cases": [{"inputs": {"n": 1}, "id": ""}]}, "$.evals.cases[0].id", "write a text"),
    ({"cases": [{"inputs": {"n": 1}, "tag": 1}]}, "$.evals.cases[0].tag", "did you mean `tags`?"),
    ({"cases": [{"inputs": {"n": 1}}]}, "$.evals", "nothing judges case 1, `case-1`"),
    ({"cases": [{"id": "a", "inputs": {"n": 1}}] * 2}, "$.evals.cases[1]", "two cases `a`"),
    ({"cases": [{"inputs": {"n": 1}}] * 1001}, "$.evals", "more than 1,000 cases"),
    ({"dataset": "x.csv"}, "$.evals.dataset", "`.jsonl` or `.yaml`"),
    ({"dataset": "x.jsonl"}, "$.evals.dataset", "there is no file `x.jsonl`"),
    ({"dataset": "../x.jsonl"}, "$.evals.dataset", "leads out"),
    ({"dataset": "bad.jsonl"}, "$.evals.dataset", "line 2 is no JSON"),
    ({"dataset": "odd.jsonl"}, "$.evals.dataset", "no number NaN"),
    ({"dataset": "bad.yaml"}, "$.evals.dataset", "write a list of cases"),
    ({"dataset": "wrong.jsonl"}, "$.evals.dataset", "case 1: $.inputs.n must be an integer"),
    ({"threshold": 2}, "$.evals.threshold", "from 0 to 1"),
    ({"repeat": 0}, "$.evals.repeat", "from 1 to 100"),
    ({"on_run": "yes"}, "$.evals.on_run", "`true` or `false`"),
    ({"graders": {}}, "$.evals.graders", "write a list of graders"),
    ({"graders": [3]}, "$.evals.graders[0]", "write a mapping"),
    ({"graders": [{}]}, "$.evals.graders[0].kind", "write one of `check`"),
    ({"graders": [{"kind": "rubrik"}]}, "$.evals.graders[0].kind", "did you mean `rubric`?"),
    ({"graders": [{"kind": "rubric"}]}, "$.evals.graders[0]", "needs `criteria`"),
    ({"graders": [{"kind": "rubric", "criteria": []}]}, "$.evals.graders[0].criteria", "a text"),
    ({"graders": [{"kind": "check"}]}, "$.evals.graders[0]", "name the function"),
    ({"graders": [{"kind": "check", "entrypoint": "x"}]}, "$.evals.graders[0].entrypoint", ".py:"),
    (
        {"graders": [{"kind": "schema", "schema": {"type": "x"}}]},
        "$.evals.graders[0].schema.type",
        "",
    ),
    ({"graders": [{"kind": "schema", "paths": []}]}, "$.evals.graders[0].paths", "no key `paths`"),
    ({"graders": [{**EXACT, "paths": ["a b"]}]}, "$.evals.graders[0].paths", "write places"),
    ({"graders": [{**EXACT, "weight": 0}]}, "$.evals.graders[0].weight", "above 0"),
    ({"graders": [{**EXACT, "threshold": -1}]}, "$.evals.graders[0].threshold", "from 0 to 1"),
    ({"graders": [EXACT, EXACT]}, "$.evals.graders[1]", "two graders `exact_match`"),
    (
        {"graders": [{**EXACT, "name": str(n)} for n in range(21)]},
        "$.evals.graders",
        "more than 20",
    ),
]


@pytest.mark.parametrize(("evals", "path", "message"), CASES)
def test_what_is_wrong_is_said_where_it_stands(
    tmp_path: Path, evals: Any, path: str, message: str
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"inputs": {"n": 1}}\n{"inputs"\n')
    (tmp_path / "odd.jsonl").write_text('{"inputs": {"n": NaN}}\n')
    (tmp_path / "wrong.jsonl").write_text('{"inputs": {"n": "x"}}\n')
    (tmp_path / "bad.yaml").write_text("a: 1\n")
    _, faults = read(tmp_path, evals)
    assert any(at == path and message in told for at, told in faults), faults


def test_a_dataset_may_not_be_reached_by_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "skill"
    folder.mkdir()
    (tmp_path / "far.jsonl").write_text('{"inputs": {"n": 1}}\n')
    (folder / "near.jsonl").symlink_to(tmp_path / "far.jsonl")
    assert "leads out" in read(folder, {"dataset": "near.jsonl"})[1][0][1]


def test_both_kinds_of_skills_have_evals_and_their_faults_are_told_at_deploy(write: Write) -> None:
    main = "def run(n): return {}\n"
    schema = json.dumps(SCHEMA)
    bundle = write(
        {
            "a/skill.yaml": f"entrypoint: main.py:run\ninput_schema: {schema}\n"
            "evals: {dataset: evals/x.jsonl, graders: [{kind: schema}]}\n",
            "a/main.py": main,
            "a/evals/x.jsonl": '{"inputs": {"n": 1}}\n{"inputs": {}}\n',
            "b/skill.yaml": "entrypoint: SKILL.md\nevals: {threshold: 7}\n",
            "b/SKILL.md": "Go.",
        }
    )
    faults = [(f["file"], f["path"], f["message"]) for f in check_folder(bundle)[1]]
    assert faults == [
        ("a/skill.yaml", "$.evals.dataset", "case 2: $.inputs `n` is missing"),
        ("b/skill.yaml", "$.evals.threshold", "write a number from 0 to 1"),
    ]


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("label", ["label"]),
        ("$.label", ["label"]),
        ("items[0].price", ["items", 0, "price"]),
        ("$[2]", [2]),
        ("a.b-c[10][1]", ["a", "b-c", 10, 1]),
    ],
)
def test_a_path_is_read_as_steps(path: str, steps: list[str | int]) -> None:
    assert path_steps(path) == steps

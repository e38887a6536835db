"""What `puras types` writes, under the real compilers: good calls pass, bad ones are found.

The calls are in `types/calls.py` and `types/calls.ts`; which lines are wrong stands in them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from puras.bundle.types.python import python
from puras.bundle.types.skills import Signature, types_of_skills
from puras.bundle.types.typescript import typescript

from ..unit.bundle.types.schemas import schemas
from .conftest import Served

ROOT = Path(__file__).parents[2]
CALLS = Path(__file__).parent / "types"
SDK = ROOT / "sdk/typescript"
TSC = SDK / "node_modules/.bin/tsc"
needs_tsc = pytest.mark.skipif(not TSC.exists(), reason="needs `npm ci` in sdk/typescript")

_CUT = """\
description: Cut a film of scenes.
entrypoint: main.py:run
input_schema:
  type: object
  properties:
    scenes: {type: array, items: {$ref: "#/$defs/scene"}}
    voice:
      oneOf:
        - properties: {kind: {const: stock}, name: {type: string}}
          required: [kind, name]
        - properties: {kind: {const: clone}, sample: {type: audio}}
          required: [kind, sample]
    tags: {type: array, items: {type: string}}
    limits: {type: object, additionalProperties: {type: integer}}
    music: {type: [audio, "null"]}
    quality: {type: string, enum: [draft, final], default: draft}
  required: [scenes, quality]
  $defs:
    scene:
      type: object
      description: What is seen, and */ for \\"how\\" long.
      properties:
        text: {type: text}
        aspect-ratio: {enum: ["9:16", "16:9"]}
        span: {prefixItems: [{type: number}, {type: number}], minItems: 2, maxItems: 2}
        within: {$ref: "#/$defs/scene"}
      required: [text]
output_schema:
  type: object
  properties:
    video: {type: video}
    seconds: {type: number}
    notes: {type: [text, "null"]}
"""
_PING = "description: Answer.\nentrypoint: main.py:run\n"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with what schemas can say, and a skill that says nothing."""
    folder = tmp_path_factory.mktemp("bundles") / "studio"
    for name, text in {"cut": _CUT, "ping": _PING}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "skill.yaml").write_text(text)
        (folder / name / "main.py").write_text("def run(**inputs):\n    return {}\n")
    return folder


@pytest.fixture
def written(server: Served, studio: Path, tmp_path: Path) -> Path:
    """A folder with the types of a deployed example, and of two folders, in both languages."""
    for name in ("hello-world", "image-tools"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    deployed = server.puras("deploy", "hello-world", cwd=tmp_path)
    assert deployed.returncode == 0, deployed.stderr
    for name in ("skills.py", "skills.ts"):
        sources = ("hello-world", "./image-tools", str(studio))
        done = server.puras("types", *sources, "-o", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    return tmp_path


def marked(calls: Path) -> set[tuple[str, int]]:
    """Return the lines that are wrong."""
    lines = calls.read_text("utf-8").splitlines()
    bad = [number for number, line in enumerate(lines, 1) if line.endswith((" # bad", " // bad"))]
    assert len(bad) > 10
    return {(calls.name, number) for number in bad}


def errors(checked: subprocess.CompletedProcess[str], pattern: str) -> set[tuple[str, int]]:
    """Return files and lines, and make sure that the compiler said nothing else."""
    found = re.findall(pattern, checked.stdout, re.MULTILINE)
    assert bool(found) == (checked.returncode != 0), checked.stdout + checked.stderr
    return {(file, int(line)) for file, line in found}


def mypy(folder: Path, *files: str) -> set[tuple[str, int]]:
    options = ("--strict", "--no-incremental", "--config-file=")
    command = [sys.executable, "-m", "mypy", *options, *files]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return errors(checked, r"^(\S+?):(\d+): error")


def tsc(folder: Path, *files: str, **strictness: bool) -> set[tuple[str, int]]:
    options = {
        "strict": True,
        "noEmit": True,
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "Bundler",
        "isolatedModules": True,
        "verbatimModuleSyntax": True,
        "types": [],
        "lib": ["ES2022", "DOM", "DOM.Iterable"],
        "paths": {"puras": [str(SDK / "src/index.ts")]},
    }
    config = {"compilerOptions": options | strictness, "files": files}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    command = [str(TSC), "--pretty", "false"]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return errors(checked, r"^(\S+?)\((\d+),\d+\): error")


def test_mypy_finds_each_bad_call_and_no_other(written: Path) -> None:
    shutil.copy(CALLS / "calls.py", written)
    assert mypy(written, "skills.py", "calls.py") == marked(CALLS / "calls.py")


@needs_tsc
@pytest.mark.parametrize("exact", [False, True])
def test_tsc_finds_each_bad_call_and_no_other(written: Path, exact: bool) -> None:
    shutil.copy(CALLS / "calls.ts", written)
    found = tsc(written, "skills.ts", "calls.ts", exactOptionalPropertyTypes=exact)
    assert found == marked(CALLS / "calls.ts")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file in each language for each of many schemas."""
    folder = tmp_path_factory.mktemp("drawn")

    @given(schemas(), schemas(side="result"))
    @settings(max_examples=60, phases=[Phase.generate], database=None)
    def write(inputs: dict[str, Any], result: dict[str, Any]) -> None:
        name = f"skills{len([*folder.iterdir()])}"
        signatures = [
            Signature(f"{name}/ad", "Makes */ an ad.", inputs, result),
            Signature(f"{name}/a-d", "", result, None),
        ]
        skills = types_of_skills(signatures)
        (folder / f"{name}.py").write_text(python(skills, command="puras types"))
        (folder / f"{name}.ts").write_text(typescript(skills, command="puras types"))

    write()
    return folder


def test_mypy_takes_what_is_written_of_any_schema(drawn: Path) -> None:
    files = [file.name for file in drawn.glob("*.py")]
    assert len(files) > 20
    assert mypy(drawn, *files) == set()


@needs_tsc
def test_tsc_takes_what_is_written_of_any_schema(drawn: Path) -> None:
    files = [file.name for file in drawn.glob("*.ts")]
    assert tsc(drawn, *files, exactOptionalPropertyTypes=True) == set()
    assert tsc(drawn, *files) == set()


def test_the_typed_clients_are_those_of_the_sdk(written: Path) -> None:
    code = (
        "import puras, skills\n"
        "assert skills.TypedPuras is puras.Puras\n"
        "assert skills.AsyncTypedPuras is puras.AsyncPuras\n"
        "import inspect\n"
        "options = inspect.signature(puras.Puras.run).parameters\n"
        "known = {*skills.RunOptions.__annotations__}\n"
        "assert {*options} == known | {'self', 'skill', 'inputs', 'skillpack'}, options\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=written, check=True)

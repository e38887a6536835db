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

import pytest

from .conftest import Served

ROOT = Path(__file__).parents[2]
CALLS = Path(__file__).parent / "types"
SDK = ROOT / "sdk/typescript"
TSC = SDK / "node_modules/.bin/tsc"

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


def marked(calls: Path) -> set[int]:
    lines = calls.read_text("utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith((" # bad", " // bad"))}


def test_mypy_finds_each_bad_call_and_no_other(written: Path) -> None:
    shutil.copy(CALLS / "calls.py", written)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file="]
    checked = subprocess.run(
        [*command, "skills.py", "calls.py"],
        cwd=written,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(\S+?):(\d+): error", checked.stdout, re.MULTILINE)
    assert {("calls.py", line) for line in marked(CALLS / "calls.py")} == {
        (file, int(line)) for file, line in found
    }, checked.stdout


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


@pytest.mark.skipif(not TSC.exists(), reason="needs `npm ci` in sdk/typescript")
@pytest.mark.parametrize("strictness", [{}, {"exactOptionalPropertyTypes": True}])
def test_tsc_finds_each_bad_call_and_no_other(written: Path, strictness: dict[str, bool]) -> None:
    shutil.copy(CALLS / "calls.ts", written)
    options = {
        "strict": True,
        "noEmit": True,
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "Bundler",
        "isolatedModules": True,
        "types": [],
        "lib": ["ES2022", "DOM", "DOM.Iterable"],
        "paths": {"puras": [str(SDK / "src/index.ts")]},
    } | strictness
    config = {"compilerOptions": options, "files": ["skills.ts", "calls.ts"]}
    (written / "tsconfig.json").write_text(json.dumps(config))
    checked = subprocess.run(
        [TSC, "--pretty", "false"], cwd=written, capture_output=True, text=True, check=False
    )
    found = re.findall(r"^(\S+?)\((\d+),\d+\): error", checked.stdout, re.MULTILINE)
    assert {("calls.ts", line) for line in marked(CALLS / "calls.ts")} == {
        (file, int(line)) for file, line in found
    }, checked.stdout

"""`puras init`: a bundle that runs as it is, to begin from."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

from puras.bundle.layout import NAME
from puras.errors import PurasError

_SKILL_YAML = Template("""\
title: $title
description: Greet someone by name.
entrypoint: main.py:run

input_schema:
  type: object
  properties:
    name:
      type: string
      description: Whom to greet.
    tone:
      type: string
      enum: [warm, formal]
      default: warm
  required: [name]

output_schema:
  type: object
  properties:
    message:
      type: text

examples:
  - title: A warm welcome
    inputs: {name: Ada}
    outputs: {message: "Hello Ada, good to see you!"}
""")

_MAIN = '''\
"""A function skill: plain Python, called with the inputs that skill.yaml declares."""

GREETINGS = {
    "warm": "Hello {name}, good to see you!",
    "formal": "Good day, {name}.",
}


def run(name: str, tone: str = "warm") -> dict[str, str]:
    return {"message": GREETINGS[tone].format(name=name)}
'''

_README = Template("""\
# $name

A bundle of skills. Each folder with a `skill.yaml` is one skill; this one has `$name`.

    puras deploy
    puras run $name -i name=Ada

- `$name/skill.yaml` says what the skill takes and gives, `$name/main.py` does it.
- Python packages go into a `requirements.txt`, one a line; code that skills share lies at the root.
- `.purasignore` names files that stay here.
""")

_IGNORE = """\
# Files that do not belong into the bundle, one pattern a line, as in .gitignore.
README.md
tests/
"""


class CannotScaffold(PurasError):
    """A new bundle can't be written there; the text says what to do instead."""


def scaffold(folder: Path, name: str) -> list[Path]:
    """Write a working bundle with one function skill and return its files.

    Raises:
        CannotScaffold: the folder has something in it, or the name can't be a skill's.
    """
    if not NAME.fullmatch(name):
        raise CannotScaffold(f"`{name}` can't be a skill's name: use letters, digits, `_` and `-`")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotScaffold(f"{folder} is not empty: choose another folder")
    texts: Final = {
        f"{name}/skill.yaml": _SKILL_YAML.substitute(title=_title(name)),
        f"{name}/main.py": _MAIN,
        "README.md": _README.substitute(name=name),
        ".purasignore": _IGNORE,
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in texts]


def _title(name: str) -> str:
    # Quoted, since a name such as `007` is a number to YAML.
    return f'"{name.replace("-", " ").replace("_", " ").capitalize()}"'

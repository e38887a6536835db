"""What `puras.yaml` says of a bundle: which skillpack it belongs to.

The CLI writes two lines of it, `skillpack_id` and `slug`, and leaves every other byte as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from puras.cli.failures import USAGE, CommandFailed

FILE_NAME: Final = "puras.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """The fields of `puras.yaml` that the CLI acts on; all None where there is no such file."""

    skillpack_id: str | None = None
    slug: str | None = None
    title: str | None = None
    description: str | None = None
    public: bool = False

    @property
    def reference(self) -> str | None:
        """What to ask the server for: the id, else the slug."""
        return self.skillpack_id or self.slug


def read_project(folder: Path) -> Project:
    """Read a folder's `puras.yaml`.

    Raises:
        CommandFailed: it is there and is no YAML mapping.
    """
    from puras.bundle.yaml_1_2 import YAMLFault, read_yaml

    path = folder / FILE_NAME
    try:
        content: Any = read_yaml(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return Project()
    except (OSError, ValueError, YAMLFault) as error:
        raise CommandFailed(f"{path}: {error}") from error
    if content is None:
        return Project()
    if not isinstance(content, dict):
        raise CommandFailed(f"{path}: it must be a mapping, like `slug: my-skills`")
    texts = {
        name: str(content[name])
        for name in ("skillpack_id", "slug", "title", "description")
        if content.get(name)
    }
    return Project(**texts, public=content.get("public") is True)


def write_identity(folder: Path, *, skillpack_id: str, slug: str) -> bool:
    """Note in `puras.yaml` which skillpack the bundle belongs to; tell whether it changed."""
    path = folder / FILE_NAME
    before = path.read_text("utf-8") if path.exists() else ""
    after = _with_line(before, "slug", slug)
    after = _with_line(after, "skillpack_id", skillpack_id)
    if after == before:
        return False
    path.write_text(after, "utf-8")
    return True


def slug_of(name: str) -> str:
    """Make a slug of a folder's name.

    Raises:
        CommandFailed: nothing of the name can stand in a slug.
    """
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
    if not slug:
        raise CommandFailed(
            f"the folder's name {name!r} makes no slug",
            exit_code=USAGE,
            next_step="name the skillpack: puras deploy --skillpack my-skills",
        )
    return slug


def skillpack_here(given: str | None, folder: Path | None = None) -> str:
    """Return the skillpack a command is about: the one given, else that of `puras.yaml` here.

    Raises:
        CommandFailed: there is neither.
    """
    reference = given or read_project(folder or Path.cwd()).reference
    if reference is None:
        raise CommandFailed(
            f"which skillpack? There is no {FILE_NAME} in this folder",
            exit_code=USAGE,
            next_step="name it with --skillpack, or go to the bundle's folder",
        )
    return reference


def _with_line(text: str, name: str, value: str) -> str:
    line = f"{name}: {value}"
    pattern = re.compile(rf"^{name}[ \t]*:.*$", re.MULTILINE)
    if pattern.search(text):
        return pattern.sub(line, text, count=1)
    return f"{line}\n{text}"

"""The requirements of a bundle: one PEP 508 line each, nothing that steers the installer.

`requirements.txt` may lie at the root and in each skill; together they are the deployment's one
environment. Options (`-r`, `--index-url`, `-e`), paths and `file:` references are faults, since
they would reach for what is not in the bundle.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from puras.bundle.faults import Findings
from puras.bundle.layout import find_skills, relative
from puras.bundle.text_file import read_text
from puras.wire import Fault

REQUIREMENTS_FILE = "requirements.txt"
URL_SCHEMES = ("https", "git+https")

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()]+"
_VERSIONS = rf"{_VERSION}(?:\s*,\s*{_VERSION})*"
_PLAIN = re.compile(
    rf"{_NAME}\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*"
    rf"(?:@\s*\S+|\(\s*{_VERSIONS}\s*\)|{_VERSIONS})?\s*(?:;.+)?"
)
_REFERENCE = re.compile(r"^[^;@]*@\s*(?P<url>\S+)")


def read_requirements(bundle: Path) -> tuple[list[str], list[Fault]]:
    """Return the requirements of a bundle, each once, in order, and the faults of their files."""
    lines: dict[str, None] = {}
    faults: list[Fault] = []
    for path in _files(bundle):
        findings = Findings(relative(path, bundle))
        for number, line in _lines(path, findings):
            message = fault_of(line)
            if message:
                findings.add_at(f"line {number}", message)
            lines[line] = None
        faults += findings.faults
    return list(lines), faults


def fault_of(line: str) -> str | None:
    """Say what is wrong with a requirement, None where nothing is."""
    if line.endswith("\\"):
        return "write each requirement on one line"
    if line.startswith("-"):
        return f"`{line.split()[0]}` is an option, and only requirements may stand here: remove it"
    if not _is_requirement(line):
        return f"`{line}` is no requirement: write a name and versions, such as `pillow>=11`"
    url = _REFERENCE.match(line)
    if url and url["url"].partition(":")[0].lower() not in URL_SCHEMES:
        return f"`{url['url']}` can't be reached from a server: use `https:` or `git+https:`"
    return None


def _files(bundle: Path) -> list[Path]:
    folders = [bundle, *(skill.folder for skill in find_skills(bundle)[0])]
    files = (folder / REQUIREMENTS_FILE for folder in dict.fromkeys(folders))
    return [path for path in files if path.is_file()]


def _lines(path: Path, findings: Findings) -> list[tuple[int, str]]:
    text = read_text(path, findings) or ""
    numbered = enumerate(text.splitlines(), start=1)
    stripped = ((number, _COMMENT.sub("", line).strip()) for number, line in numbered)
    return [(number, line) for number, line in stripped if line]


def _is_requirement(line: str) -> bool:
    if find_spec("packaging") is None:
        return _PLAIN.fullmatch(line) is not None
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(line)
    except InvalidRequirement:
        return False
    return True

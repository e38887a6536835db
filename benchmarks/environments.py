"""Environments of the peers: made on first use in `benchmarks/.peers`, thrown away with it. None of
them ever meets our own lock file.
"""

from __future__ import annotations

import shutil
import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).parent
_FOLDER = HERE / ".peers"
_NPM = ("npm", "install", "--silent", "--ignore-scripts")


def python_with(*requirements: str) -> Path:
    """Return an interpreter whose environment has these packages and nothing else.

    A requirement may be a folder: its package is installed as it is now.

    Raises LookupError where they can not be installed.
    """
    folder = _FOLDER / (_name(*requirements) or "bare")
    python = folder / "bin" / "python"
    has_folder = any(Path(requirement).is_dir() for requirement in requirements)
    if has_folder or not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        if requirements:
            pip = (str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check")
            _install(*pip, *requirements, into=folder)
        (folder / "done").touch()
    return python


def node_with(*requirements: str) -> Path:
    """Return a folder whose `node_modules` have these packages, and the scripts of `js`.

    A requirement may be a folder: its package is packed and installed as it is now.
    """
    folder = _FOLDER / "js"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "js", folder)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    _install(*_NPM, "--install-links", *requirements, into=folder)
    return folder


def program_of(package: str, name: str) -> Path:
    """Return a program that comes with a package of npm, made for this machine.

    Raises LookupError where there is none.
    """
    folder = _FOLDER / _name(package)
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}')
        _install(*_NPM, package, into=folder)
        (folder / "done").touch()
    found = next(folder.glob(f"node_modules/{package}-*/bin/{name}"), None)
    if found is None:
        raise LookupError(f"{package} has no {name} for this machine")
    return found


def _name(*requirements: str) -> str:
    return "-".join("".join(c for c in each if c.isalnum()) for each in requirements)


def _install(*command: str, into: Path) -> None:
    done = subprocess.run(command, cwd=into, capture_output=True, text=True)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise LookupError(f"{command[-1]} could not be installed: {said[-1]}")

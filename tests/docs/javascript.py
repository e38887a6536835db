"""The JavaScript package, built, where a page's blocks import it."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from .pages import ROOT

SDK = ROOT / "sdk" / "typescript"
TSC = SDK / "node_modules" / ".bin" / "tsc"
STRICTLY = (
    "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess",
    "--noPropertyAccessFromIndexSignature", "--jsx", "react-jsx", "--target", "es2022",
    "--module", "esnext", "--moduleResolution", "bundler", "--skipLibCheck", "--pretty", "false",
)  # fmt: skip


def install(folder: Path) -> None:
    """Make `puras`, and what its users bring along, importable from the folder."""
    modules = folder / "node_modules"
    if modules.exists():
        return
    modules.mkdir()
    (modules / "puras").symlink_to(_built())
    for name in ("react", "@types"):
        (modules / name).symlink_to(SDK / "node_modules" / name)


@cache
def _built() -> Path:
    """Build the package once; return its folder."""
    if not TSC.exists():
        pytest.skip("needs `npm ci` in sdk/typescript")
    subprocess.run(["npm", "run", "--silent", "build"], cwd=SDK, check=True, capture_output=True)
    return SDK

"""The JavaScript package, built, where a page's blocks import it."""

from __future__ import annotations

import fcntl
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
    """Build the package unless it is; return its folder. One process builds while others wait."""
    if not TSC.exists():
        pytest.skip("needs `npm ci` in sdk/typescript")
    with (SDK / "package.json").open() as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not _is_built():
            build = ["npm", "run", "--silent", "build"]
            subprocess.run(build, cwd=SDK, check=True, capture_output=True)
    return SDK


def _is_built() -> bool:
    """Tell whether all that is written is newer than all that it is made of."""
    written = [SDK / "dist" / f"index.{end}" for end in ("js", "cjs", "d.ts", "d.cts")]
    sources = (*SDK.glob("src/**/*"), *SDK.glob("*.json"), SDK / "tsdown.config.ts")
    changed = max(source.stat().st_mtime for source in sources)
    return all(file.exists() and file.stat().st_mtime > changed for file in written)

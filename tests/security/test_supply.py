"""What we depend on is pinned, and may be passed on; the audit that says so can say no."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MIT License", True),
        ("Apache Software License; MIT License", True),
        ("(MIT OR Apache-2.0)", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("LGPL-3.0-only", True),
        ("3-Clause BSD License", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-only", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_a_licence_is_one_that_somebody_has_looked_at(
    audit: ModuleType, licence: str, allowed: bool
) -> None:
    assert audit.is_allowed(licence) is allowed


def test_a_line_that_pins_nothing_and_a_need_without_a_line_are_faults(
    audit: ModuleType, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    kept = [line for line in audit.LOCK.read_text().splitlines() if not line.startswith("click==")]
    lock.write_text("\n".join([*kept, "evil>=1", "https://evil.test/a.whl"]))
    faults = list(audit.unpinned(lock))
    assert len(faults) == 3
    assert "nothing pins click" in faults[2]


def test_an_npm_package_without_a_hash_or_from_elsewhere_is_a_fault(
    audit: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in audit.NPM:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / folder / "package-lock.json", tmp_path / folder)
    path = tmp_path / audit.NPM[0] / "package-lock.json"
    lock = json.loads(path.read_text())
    name = next(name for name in lock["packages"] if name)
    lock["packages"][name] = {"resolved": "http://evil.test/a.tgz", "license": "SSPL-1.0"}
    path.write_text(json.dumps(lock))
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    assert len(list(audit.unlocked_npm())) == 3

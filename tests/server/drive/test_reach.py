from __future__ import annotations

import pytest

from puras.server.drive.reach import Reach

NARROW = Reach(wide=False, job_id="j1", key_id="k1", named=frozenset({"photos/in.png"}))


def test_a_wide_reach_is_the_whole_drive() -> None:
    wide = Reach(wide=True, job_id="j1")
    assert wide.may_read("anything/at.all")
    assert wide.may_write("anything/at.all")


@pytest.mark.parametrize("path", ["jobs/j1/out.png", "photos/in.png", "uploads/k1/a.png"])
def test_a_narrow_reach_reads_its_folder_its_inputs_and_its_key_s_uploads(path: str) -> None:
    assert NARROW.may_read(path)


@pytest.mark.parametrize(
    "path", ["jobs/j2/out.png", "jobs/j1", "jobs/j10/x", "photos/in.png/x", "uploads/k10/a", "x"]
)
def test_a_narrow_reach_reads_nothing_else(path: str) -> None:
    assert not NARROW.may_read(path)


def test_a_narrow_reach_writes_its_own_folder_only() -> None:
    assert NARROW.may_write("jobs/j1/a/b.png")
    for path in ("photos/in.png", "uploads/k1/a.png", "jobs/j2/x", "jobs/j1"):
        assert not NARROW.may_write(path)


def test_without_a_key_there_are_no_uploads_to_reach() -> None:
    assert not Reach(wide=False, job_id="j1").may_read("uploads/None/a")

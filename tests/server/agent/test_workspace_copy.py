"""The working directory survives: its attempt, its hands, and whatever lies in an archive."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from puras.server.agent import hands as hands_module
from puras.server.agent.tools.bash import bash_tools
from puras.server.agent.workspace_copy import WorkspaceCopies
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending
from puras.server.storage.cache import Cache
from puras.server.storage.s3 import S3Storage, open_bucket
from puras.server.worker.process.hands import copy
from puras.server.worker.process.hands.place import Refusal
from puras.server.worker.process.processes import family

from .support import Attempt, Bench


def with_bash(attempt: Attempt) -> Attempt:
    attempt.have(bash_tools(attempt.run, attempt.hands))
    return attempt


async def kept(bench: Bench) -> set[str]:
    return {stored.name async for stored in bench.platform.storage.listing("working/")}


async def test_files_come_back_in_the_next_attempt(bench: Bench) -> None:
    bench.write("scripts/s.py", "print('script')")
    async with bench.attempt() as attempt:
        command = (
            "mkdir -p a/b; echo one > a/b/f; chmod 750 a/b/f; ln -s b/f a/l; touch -d @1000 a/b/f"
        )
        await with_bash(attempt).use("bash", command=command)
        await bench.hand_back(attempt.run.row)
    async with bench.attempt() as attempt:
        assert attempt.run.row["attempt"] == 2
        command = "cat a/l; stat -c '%a %Y' a/b/f; readlink a/l; python scripts/s.py"
        reply = await with_bash(attempt).use("bash", command=command)
        assert reply.text == "[exit code 0]\none\n750 1000\nb/f\nscript"
        assert len(await kept(bench)) == 1


async def test_a_copy_is_made_only_when_something_changed(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_bash(attempt)
        await attempt.use("bash", command="ls")
        assert await kept(bench) == set()
        await attempt.use("bash", command="echo a > f")
        first = await kept(bench)
        await attempt.use("bash", command="cat f")
        await attempt.hands.keep()
        assert await kept(bench) == first
        await attempt.use("bash", command="echo b > f")
        second = await kept(bench)
    assert len(first) == len(second) == 1
    assert first != second


async def test_an_attempt_that_is_over_moves_no_copy(bench: Bench) -> None:
    async with bench.attempt() as late:
        await with_bash(late).use("bash", command="echo first > f")
        await bench.hand_back(late.run.row)
        before = await kept(bench)
        await late.use("bash", command="echo late > f")
        assert await kept(bench) == before


async def test_killed_hands_start_anew_with_the_files_that_were_kept(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_bash(attempt)
        await attempt.use("bash", command="echo one > f")
        waiting = asyncio.create_task(attempt.use("bash", command="touch begun; sleep 1000"))
        while "begun" not in (await attempt.use("bash", command="ls")).text:
            pass
        for pid in _hands_below(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        reply = await waiting
        after = await attempt.use("bash", command="cat f")
    assert not reply.ok
    assert "the tools' process ended" in reply.text
    assert after.text == "[exit code 0]\none"


def _hands_below(server: int) -> list[int]:
    """Return the hands: what forked the hand whose command sleeps."""
    sleeping = [pid for pid in family(server) if _command(pid).startswith("sleep 1000")]
    commands = [pid for pid in family(server) if "sleep 1000" in _command(pid)]
    # The shell may have become its last command, or have started it.
    shells = {_parent(pid) if _parent(pid) in commands else pid for pid in sleeping or commands}
    return [_parent(_parent(pid)) for pid in shells]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_a_directory_that_is_too_large_is_not_kept_and_that_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands_module, "MAX_COPY_BYTES", 100_000)
    async with bench.attempt() as attempt:
        with_bash(attempt)
        await attempt.use("bash", command="head -c 200000 /dev/zero > large")
        await attempt.use("bash", command="cat large | wc -c")
        warnings = [line for line in await attempt.logged() if "not kept" in line]
    assert await kept(bench) == set()
    assert len(warnings) == 1
    assert "and at most 100,000 are kept" in warnings[0]


async def test_the_copies_of_a_job_that_is_over_are_removed(bench: Bench) -> None:
    copies = bench.copies
    async with bench.attempt() as attempt:
        await with_bash(attempt).use("bash", command="echo a > f")
        row = attempt.run.row
    await copies.forget(row["id"])
    assert await copies.tidy() == 0
    assert len(await kept(bench)) == 1
    await bench.platform.db.write(
        lambda tx: jobs.end(
            tx,
            job_id=row["id"],
            attempt=row["attempt"],
            ending=Ending("succeeded", result="{}"),
            now=3_000,
            changes=jobs.Changes(),
        )
    )
    assert await copies.tidy() == 1
    assert await kept(bench) == set()


async def test_copies_are_kept_in_a_bucket_too(bench: Bench, bucket_url: str) -> None:
    home = bench.platform.settings.home
    cache = Cache(home / "cache", incoming=home / "incoming", limit=1 << 30)
    storage = S3Storage(open_bucket(bucket_url, environment=os.environ), cache=cache)
    bench.copies = WorkspaceCopies(bench.platform.db, storage)
    async with bench.attempt() as attempt:
        await with_bash(attempt).use("bash", command="echo one > f")
        await bench.hand_back(attempt.run.row)
    async with bench.attempt() as attempt:
        reply = await with_bash(attempt).use("bash", command="cat f; echo two > f")
        again = await attempt.use("bash", command="cat f")
    assert (reply.text, again.text) == ("[exit code 0]\none", "[exit code 0]\ntwo")
    assert len([stored async for stored in storage.listing("working/")]) == 1
    await cancel(bench)
    assert await bench.copies.tidy() == 1
    assert [stored async for stored in storage.listing()] == []


async def test_forgetting_removes_the_copy_of_a_job_that_is_over(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        await with_bash(attempt).use("bash", command="echo a > f")
    await cancel(bench)
    await bench.copies.forget(bench.job_id)
    assert await kept(bench) == set()


async def cancel(bench: Bench) -> None:
    await bench.platform.db.write(
        lambda tx: jobs.end(
            tx,
            job_id=bench.job_id,
            attempt=None,
            ending=Ending("cancelled", error="stop", error_code="cancelled"),
            now=3_000,
            changes=jobs.Changes(),
        )
    )


def member(name: str, type: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = type, link, 0o4777
    return found


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "work").mkdir()
    yield tmp_path / "archive.tar"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive.tar", "work"]


def pack(archive: Path, *members: tarfile.TarInfo) -> str:
    with tarfile.open(archive, "x") as opened:
        for one in members:
            one.size = 4 if one.isreg() else 0
            opened.addfile(one, io.BytesIO(b"text"))
    return str(archive.parent / "work")


@pytest.mark.parametrize("name", ["/tmp/out", "../out", "a/../../out"])
def test_a_name_that_leads_out_of_an_archive_is_refused(archive: Path, name: str) -> None:
    work = pack(archive, member(name))
    with pytest.raises(Refusal):
        copy.unpack(archive, work)


def test_links_that_lead_out_and_devices_are_left_out(archive: Path) -> None:
    work = pack(
        archive,
        member("out", tarfile.SYMTYPE, "/etc"),
        member("up", tarfile.SYMTYPE, "../../etc"),
        member("hard", tarfile.LNKTYPE, "/etc/passwd"),
        member("device", tarfile.CHRTYPE),
        member("in", tarfile.SYMTYPE, "file"),
        member("file"),
    )
    copy.unpack(archive, work)
    assert sorted(os.listdir(work)) == ["file", "in"]
    assert Path(work, "in").read_text() == "text"
    assert Path(work, "file").stat().st_mode & 0o7777 == 0o777


def test_no_file_is_written_through_a_link_of_the_same_archive(archive: Path) -> None:
    work = pack(archive, member("a", tarfile.SYMTYPE, "b"), member("a/f"))
    with pytest.raises(OSError):
        copy.unpack(archive, work)
    assert not Path(work, "b").exists()

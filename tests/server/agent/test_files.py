"""The tools `file_read`, `file_write` and `file_edit`."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from puras.server.agent.tools.bash import bash_tools
from puras.server.agent.tools.files import file_tools

from ..support import ON_SQLITE
from .support import Attempt, Bench

pytestmark = ON_SQLITE

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDAT"
    + zlib.compress(b"\0\0")
    + b"\0\0\0\0IEND\xaeB`\x82"
)


def with_files(attempt: Attempt) -> Attempt:
    attempt.have(file_tools(attempt.run, attempt.hands))
    attempt.have(bash_tools(attempt.run, attempt.hands))
    return attempt


async def test_what_is_written_is_read_with_line_numbers(either_bench: Bench) -> None:
    async with either_bench.attempt() as attempt:
        with_files(attempt)
        wrote = await attempt.use("file_write", path="a/b.txt", content="one\ntwö\n")
        reply = await attempt.use("file_read", path="a/b.txt")
    assert wrote.text == "wrote 9 bytes to a/b.txt"
    assert reply.text == "     1\tone\n     2\ttwö"


async def test_a_long_file_is_read_in_parts(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_files(attempt)
        await attempt.use("bash", command="seq 1 3000 > numbers; printf 'x%.0s' {1..5000} > wide")
        first = await attempt.use("file_read", path="numbers")
        rest = await attempt.use("file_read", path="numbers", offset=2001)
        middle = await attempt.use("file_read", path="numbers", offset=10, limit=2)
        wide = await attempt.use("file_read", path="wide")
        beyond = await attempt.use("file_read", path="numbers", offset=3001)
    assert first.text.endswith("[… cut before line 2001: read on with `offset: 2001`]")
    assert rest.text.splitlines()[-1] == "  3000\t3000"
    assert middle.text.startswith("    10\t10\n    11\t11\n[…")
    assert wide.text.endswith("x [… line cut]")
    assert len(wide.text) < 2100
    assert beyond.text == "[numbers has no line 3001]"


async def test_an_edit_replaces_a_passage_that_is_there_once(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_files(attempt)
        await attempt.use("bash", command="printf 'a = 1\\r\\nb = 1\\r\\n' > f; chmod 755 f")
        twice = await attempt.use("file_edit", path="f", old="= 1", new="= 2")
        never = await attempt.use("file_edit", path="f", old="c = 1", new="")
        done = await attempt.use("file_edit", path="f", old="a = 1", new="a = 2")
        both = await attempt.use("file_edit", path="f", old=" = ", new="=", all=True)
        reply = await attempt.use("bash", command="od -c f | head -1; stat -c %a f")
    assert "2 times (lines 1, 2)" in twice.text
    assert "is not in `f`" in never.text
    assert [twice.ok, never.ok, done.ok, both.ok] == [False, False, True, True]
    assert both.text == "replaced 2 passages in f"
    shown = " ".join(reply.text.split())
    assert shown == "[exit code 0] 0000000 a = 2 \\r \\n b = 1 \\r \\n 755"


async def test_the_skill_s_instructions_are_read_by_their_name_until_there_is_a_file_of_it(
    bench: Bench,
) -> None:
    async with bench.attempt() as attempt:
        with_files(attempt)
        skill = await attempt.use("file_read", path="SKILL.md")
        await attempt.use("file_write", path="SKILL.md", content="mine")
        own = await attempt.use("file_read", path="SKILL.md")
    assert skill.text == "     1\tDo what you are asked to."
    assert own.text == "     1\tmine"


async def test_the_skill_s_files_can_be_read_and_not_written(bench: Bench) -> None:
    bench.write("references/terms.md", "terms")
    async with bench.attempt() as attempt:
        with_files(attempt)
        read = await attempt.use("file_read", path="references/terms.md")
        wrote = await attempt.use("file_write", path="references/terms.md", content="x")
        edited = await attempt.use("file_edit", path="references/terms.md", old="t", new="x")
    assert read.text == "     1\tterms"
    assert not wrote.ok
    assert "can only be read" in wrote.text
    assert not edited.ok


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../puras.sock",
        "/proc/self/environ",
        "link",
        "folder/passwd",
        "{home}/x",
        ".",
    ],
)
async def test_no_path_and_no_link_leads_out(either_bench: Bench, path: str) -> None:
    home = either_bench.platform.settings.home
    (home / "x").write_text("the server's")
    async with either_bench.attempt() as attempt:
        with_files(attempt)
        await attempt.use("bash", command="ln -s /etc/passwd link; ln -s /etc folder")
        whole = path.format(home=home)
        read = await attempt.use("file_read", path=whole)
        wrote = await attempt.use("file_write", path=whole, content="x")
    assert not read.ok
    assert not wrote.ok
    assert (home / "x").read_text() == "the server's"


async def test_links_inside_of_the_directory_are_followed(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_files(attempt)
        await attempt.use("bash", command="mkdir real; ln -s real linked")
        await attempt.use("file_write", path="linked/f", content="x")
        reply = await attempt.use("file_read", path="real/f")
    assert reply.text == "     1\tx"


async def test_what_is_no_text_is_refused_and_no_pipe_is_waited_for(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_files(attempt)
        await attempt.use("bash", command="mkfifo pipe; printf '\\0\\1' > binary; mkdir folder")
        for path, why in [
            ("pipe", "no regular file"),
            ("binary", "is no text"),
            ("folder", "is a folder"),
            ("missing", "no such file"),
        ]:
            reply = await attempt.use("file_read", path=path)
            assert not reply.ok
            assert why in reply.text


async def test_an_image_is_kept_in_the_drive_for_the_model_to_see(either_bench: Bench) -> None:
    async with either_bench.attempt() as attempt:
        with_files(attempt)
        octal = "".join(f"\\{byte:03o}" for byte in PNG)
        await attempt.use("bash", command=f"printf '{octal}' > dot.png; cp dot.png same")
        first = await attempt.use("file_read", path="dot.png")
        again = await attempt.use("file_read", path="same")
        part = first.files[0]
        assert first.text == f"dot.png (image/png, {len(PNG)} bytes)"
        assert part["mime"] == "image/png"
        assert part["drive_path"].startswith(f"jobs/{attempt.run.row['id']}/seen/")
        assert again.files == first.files
        opened = await either_bench.platform.drive.open(
            either_bench.workspace_id, part["drive_path"]
        )
        assert Path(opened.local).read_bytes() == PNG

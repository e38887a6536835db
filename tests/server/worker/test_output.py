"""What a run prints, however it prints it, becomes log events and breaks nothing."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.server.worker.process.output import CUT_NOTE, LineSplitter
from puras.wire import MAX_LOG_EVENTS, MAX_LOG_LINE_BYTES

from .support import Bench


def split(*parts: bytes) -> list[str]:
    splitter = LineSplitter()
    return [line for part in parts for line in splitter.feed(part)] + splitter.finish()


@given(st.lists(st.text(alphabet="ab\n\u00e9", max_size=20), max_size=20), st.integers(1, 7))
def test_lines_do_not_depend_on_where_the_bytes_are_cut(texts: list[str], size: int) -> None:
    whole = "".join(texts).encode()
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    lines = whole.decode().split("\n")
    assert split(*parts) == (lines if lines[-1] else lines[:-1])


def test_a_line_over_8_kib_is_cut_and_says_so_once() -> None:
    long = b"x" * (MAX_LOG_LINE_BYTES * 5)
    cut = "x" * MAX_LOG_LINE_BYTES + CUT_NOTE
    assert split(long + b"\nnext\n") == [cut, "next"]
    assert split(long[:10_000], long[10_000:], b"\nnext\n") == [cut, "next"]
    assert split(long) == [cut]


def test_a_line_of_exactly_8_kib_is_whole() -> None:
    assert split(b"x" * MAX_LOG_LINE_BYTES + b"\n") == ["x" * MAX_LOG_LINE_BYTES]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("a\ud800b".encode("utf-8", "surrogatepass"), "a\ufffdb"),
        (b"windows\r", "windows"),
        (b"", ""),
    ],
)
def test_what_is_no_text_is_replaced(line: bytes, shown: str) -> None:
    assert split(line + b"\n") == [shown]


async def test_stdout_is_info_and_stderr_is_a_hidden_error(bench: Bench) -> None:
    await bench.result("""
        import sys
        def run():
            print("out")
            print("err", file=sys.stderr)
    """)
    assert ("log", {"level": "info", "message": "out"}, None) in bench.host.events
    hidden = {"level": "error", "message": "hidden", "redacted": True}
    assert ("log", {"level": "error", "message": "err"}, hidden) in bench.host.events


async def test_lines_arrive_while_the_run_goes_on(bench: Bench) -> None:
    bench.write("import signal\ndef run():\n    print('early')\n    signal.pause()")
    run = asyncio.ensure_future(bench.runner.run(bench.spec(), bench.host))
    await bench.host.hear("early")
    assert not run.done()
    await bench.runner.kill("job-1")
    await run


async def test_a_last_line_without_an_end_is_not_lost(bench: Bench) -> None:
    await bench.result("import sys\ndef run(): sys.stdout.write('half')")
    assert bench.host.logged() == ["half"]


async def test_what_a_child_prints_is_logged_too(bench: Bench) -> None:
    await bench.result("import os\ndef run(): os.system('echo from a shell')")
    assert bench.host.logged() == ["from a shell"]


@pytest.mark.parametrize(
    "body",
    [
        "sys.stdout.close(); print('more')",
        "os.close(1); print('more')",
        "os.close(1); os.close(2); print('more'); print('x', file=sys.stderr)",
        "sys.stdout.buffer.write(bytes(range(256))); sys.stdout.flush()",
        "print('x' * 20_000_000)",
        "print('\\ud800')",
        "sys.stdout = None; print('nothing')",
    ],
)
async def test_no_way_of_printing_breaks_a_run(bench: Bench, body: str) -> None:
    assert await bench.result(
        f"import os, sys\ndef run():\n    {body}\n    return {{'ok': 1}}"
    ) == {"ok": 1}


async def test_a_million_lines_are_read_and_the_host_hears_of_one_too_many(bench: Bench) -> None:
    code = (
        "import sys\ndef run():\n    sys.stdout.write('line\\n' * 1_000_000)\n    return {'ok': 1}"
    )
    assert await bench.result(code) == {"ok": 1}
    assert len(bench.host.logged()) == MAX_LOG_EVENTS + 1


async def test_output_of_a_run_that_dies_is_kept(bench: Bench) -> None:
    await bench.failure(
        "import os\ndef run():\n    print('last words', flush=True)\n    os.abort()"
    )
    assert bench.host.logged() == ["last words"]

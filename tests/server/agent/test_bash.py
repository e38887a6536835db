"""The tool `bash`: what a command gives, and what it can't reach."""

from __future__ import annotations

import asyncio
import os
import re
import time

import pytest

from puras.server.agent.tools.bash import bash_tools

from ..support import ON_SQLITE
from .support import Attempt, Bench

pytestmark = ON_SQLITE


def with_bash(attempt: Attempt) -> Attempt:
    attempt.have(bash_tools(attempt.run, attempt.hands))
    return attempt


async def test_a_command_gives_its_exit_code_and_output(either_bench: Bench) -> None:
    async with either_bench.attempt() as attempt:
        reply = await with_bash(attempt).use("bash", command="echo out; echo err >&2; exit 3")
    assert (reply.ok, reply.text) == (False, "[exit code 3]\nout\nerr")


async def test_files_stay_from_command_to_command_but_the_folder_does_not(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_bash(attempt)
        await attempt.use("bash", command="mkdir a && cd a && echo one > file")
        reply = await attempt.use("bash", command="cat a/file; basename $PWD")
    assert reply.text == "[exit code 0]\none\nwork"


async def test_long_output_is_cut_in_the_middle_and_kept_whole_in_a_file(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_bash(attempt)
        reply = await attempt.use("bash", command="seq 1 20000")
        name = re.search(r"all of them are in (\S+)", reply.text)
        assert name is not None
        whole = await attempt.use("bash", command=f"cmp {name[1]} <(seq 1 20000) && echo same")
    assert len(reply.text) < 30_200
    assert reply.text.startswith("[exit code 0]\n1\n2\n")
    assert reply.text.endswith("\n19999\n20000")
    assert whole.text == "[exit code 0]\nsame"


async def test_a_command_over_its_time_is_stopped_with_what_it_said(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        command = "echo begun; sleep 1000"
        reply = await with_bash(attempt).use("bash", command=command, timeout_seconds=1)
    assert not reply.ok
    assert reply.text.startswith("[stopped after 1 s: raise `timeout_seconds`")
    assert reply.text.endswith("begun")


async def test_what_a_command_left_in_the_background_ends_with_it(either_bench: Bench) -> None:
    async with either_bench.attempt() as attempt:
        with_bash(attempt)
        begun = time.monotonic()
        reply = await attempt.use(
            "bash", command="(setsid sleep 1234 & ) ; sleep 1235 & echo started"
        )
        assert time.monotonic() - begun < 60
        assert reply.text == "[exit code 0]\nstarted"
        left = await attempt.use("bash", command="pgrep -f '^sleep 123[45]' | wc -l")
    assert left.text == "[exit code 0]\n0"


async def test_cancelling_a_call_kills_its_command_at_once(either_bench: Bench) -> None:
    async with either_bench.attempt() as attempt:
        with_bash(attempt)
        call = asyncio.create_task(attempt.use("bash", command="touch here; sleep 4321; touch on"))
        while "here" not in (await attempt.use("bash", command="ls")).text:
            pass
        begun = time.monotonic()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - begun < 20
        left = await attempt.use("bash", command="pgrep -f '^sleep 4321' | wc -l; ls on")
    assert "\n0\n" in left.text
    assert "No such file" in left.text


async def test_commands_run_side_by_side(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        with_bash(attempt)
        await attempt.use("bash", command="mkfifo pipe")
        one, other = await asyncio.gather(
            attempt.use("bash", command="echo through > pipe"),
            attempt.use("bash", command="cat pipe"),
        )
    assert (one.ok, other.text) == (True, "[exit code 0]\nthrough")


async def test_a_command_sees_no_secret_but_those_that_are_named(either_bench: Bench) -> None:
    either_bench.secrets = {"HIDDEN_KEY": "hidden-value", "SHOWN_KEY": "s3"}
    either_bench.extra = {"bash_secrets": ["SHOWN_KEY"]}
    async with either_bench.attempt() as attempt:
        with_bash(attempt)
        seen = await attempt.use("bash", command="env | sort; echo $SHOWN_KEY")
        assert "HIDDEN_KEY" not in seen.text
        assert "PURAS_JOB_TOKEN" not in seen.text
        assert "PURAS_SOCKET" not in seen.text
        assert seen.text.endswith("\ns3")
        # Neither in its own ancestors: they hold secrets, and their memory is not to be read.
        command = (
            "pid=$PPID; for up in 1 2 3; do "
            "cat /proc/$pid/environ /proc/$pid/mem /proc/$pid/maps 2>&1 | tr '\\0' '\\n'; "
            "pid=$(awk '/^PPid/ {print $2}' /proc/$pid/status); done"
        )
        looked = await attempt.use("bash", command=command)
    assert "Permission denied" in looked.text
    assert "hidden" not in looked.text
    assert "HIDDEN_KEY" not in looked.text


async def test_a_secret_that_a_command_prints_is_masked(bench: Bench) -> None:
    bench.secrets = {"SHOWN_KEY": "a-long-secret"}
    bench.extra = {"bash_secrets": ["SHOWN_KEY"]}
    async with bench.attempt() as attempt:
        reply = await with_bash(attempt).use("bash", command="echo $SHOWN_KEY")
    assert reply.text == "[exit code 0]\n••••"


@pytest.mark.parametrize(
    "command",
    [
        "cat {home}/puras.db",
        "ls {home}",
        "cat /proc/{server}/environ",
        "touch {bundle}/skill/new",
        "touch ../puras.new",
        "rm ../puras.sock",
        "kill -9 $PPID",
        "kill -0 {server}",
    ],
)
async def test_a_command_can_not_get_at(either_bench: Bench, command: str) -> None:
    home = either_bench.platform.settings.home
    whole = command.format(home=home, server=os.getpid(), bundle=either_bench.bundle)
    async with either_bench.attempt() as attempt:
        reply = await with_bash(attempt).use("bash", command=whole)
    assert not reply.ok, reply.text


async def test_the_skill_s_scripts_are_where_its_instructions_say(bench: Bench) -> None:
    bench.write("scripts/hello.py", "import sys; print('hello', *sys.argv[1:])")
    bench.write("references/terms.md", "terms")
    async with bench.attempt() as attempt:
        command = "python scripts/hello.py you; cat references/terms.md; cat $SKILL_DIR/SKILL.md"
        reply = await with_bash(attempt).use("bash", command=command)
    assert reply.text == "[exit code 0]\nhello you\ntermsDo what you are asked to."


async def test_the_memory_of_a_run_is_bounded_and_the_next_call_starts_anew(bench: Bench) -> None:
    bench.memory_bytes = 256 * 1024 * 1024
    async with bench.attempt() as attempt:
        with_bash(attempt)
        await attempt.use("bash", command="echo kept > file")
        eat = "python -c 'x = bytearray(150 << 20); import time; time.sleep(60)' & "
        reply = await attempt.use("bash", command=f"{eat * 3} wait")
        assert not reply.ok
        assert "needed more memory than a run may have" in reply.text
        after = await attempt.use("bash", command="cat file")
    assert after.text == "[exit code 0]\nkept"


async def test_a_skill_can_do_without_bash(bench: Bench) -> None:
    bench.extra = {"disable_bash": True}
    async with bench.attempt() as attempt:
        assert bash_tools(attempt.run, attempt.hands) == []


async def test_every_fault_of_an_input_is_told(bench: Bench) -> None:
    async with bench.attempt() as attempt:
        reply = await with_bash(attempt).use("bash", comand="ls", timeout_seconds=601)
        assert not attempt.hands.used
    assert not reply.ok
    assert "`command` is missing" in reply.text
    assert "`comand`" in reply.text
    assert "600" in reply.text

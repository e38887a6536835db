"""Nothing outlives its run, its warm parent, or its worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from puras.server.worker.process.processes import MARK, data_mark, reap_marked
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.spec import Lost, RunSpec

from .support import Bench, RecordingHost

FAMILY = """
    import os, signal, subprocess, sys, time
    def run():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.execvp("sleep", ["sleep", "TAG"])
            os._exit(0)
        subprocess.Popen(["sleep", "TAG"], start_new_session=True, env={})
        print("started", flush=True)
        END
"""


def family(tag: str, end: str) -> str:
    return FAMILY.replace("TAG", tag).replace("END", end)


def sleepers(tag: str) -> list[int]:
    """The processes of this machine that sleep for so long."""
    wanted = f"sleep\0{tag}\0".encode()
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if _read(path) == wanted
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the process table, which signals nothing; the test's own timeout is the limit."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_what_a_run_leaves_behind_is_dead_when_it_is_over(either_bench: Bench) -> None:
    await either_bench.result(family("86401", "return {}"))
    assert sleepers("86401") == []


async def test_a_cancelled_run_s_whole_family_is_dead_within_a_moment(either_bench: Bench) -> None:
    either_bench.write(family("86402", "signal.pause()"))
    run = asyncio.ensure_future(either_bench.runner.run(either_bench.spec(), either_bench.host))
    await either_bench.host.hear("started")
    await until(lambda: len(sleepers("86402")) == 2)
    begun = time.monotonic()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert time.monotonic() - begun < 10
    assert sleepers("86402") == []


async def test_a_timed_out_run_s_family_is_dead(bench: Bench) -> None:
    failure = await bench.failure(family("86403", "signal.pause()"), timeout_seconds=0.5)
    assert failure.error_code == "timeout"
    assert sleepers("86403") == []


async def test_kill_returns_when_the_run_is_dead(bench: Bench) -> None:
    bench.write(family("86404", "signal.pause()"))
    run = asyncio.ensure_future(bench.runner.run(bench.spec(), bench.host))
    await bench.host.hear("started")
    await bench.runner.kill("job-1")
    assert sleepers("86404") == []
    assert isinstance(await run, Lost)


async def test_killing_an_unknown_job_does_nothing(bench: Bench) -> None:
    await bench.runner.kill("no such job")


async def test_one_run_s_end_leaves_another_s_children_alone(bench: Bench) -> None:
    bench.write(family("86405", "signal.pause()"))
    run = asyncio.ensure_future(bench.runner.run(bench.spec(), bench.host))
    await bench.host.hear("started")
    await until(lambda: len(sleepers("86405")) == 2)
    bench.write("def run(): return {}", "skill/other.py")
    await bench.result(entrypoint="other.py:run", job_id="job-2")
    assert len(sleepers("86405")) == 2
    await bench.runner.kill("job-1")
    await run


async def test_closing_the_runner_kills_everything(tmp_path: Path) -> None:
    runner = await FunctionRunner.open(tmp_path)
    bench = Bench(tmp_path, runner)
    bench.write(family("86406", "signal.pause()"))
    run = asyncio.ensure_future(runner.run(bench.spec(), bench.host))
    await bench.host.hear("started")
    await runner.close()
    assert isinstance(await run, Lost)
    assert sleepers("86406") == []


@pytest.mark.parametrize("namespaces", [True, False])
async def test_nothing_outlives_a_worker_that_is_killed(
    bench: Bench, tmp_path: Path, namespaces: bool
) -> None:
    tag = f"8641{int(namespaces)}"
    bench.write(family(tag, "signal.pause()"))
    worker = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-c",
            WORKER,
            str(tmp_path / "other"),
            repr(bench.spec()),
            repr(namespaces),
        ),
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"started\n"
    await until(lambda: len(sleepers(tag)) == 2)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    await until(lambda: sleepers(tag) == [])


WORKER = """
import asyncio, sys
from pathlib import Path, PosixPath
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.spec import RunSpec

class Host:
    def emit(self, type, payload, *, public=None):
        print(payload["message"], flush=True)
    async def call(self, verb, arguments, run_folder):
        return None

async def main(home, spec, namespaces):
    runner = await FunctionRunner.open(home, namespaces=namespaces)
    await runner.run(spec, Host())

asyncio.run(main(Path(sys.argv[1]), eval(sys.argv[2]), eval(sys.argv[3])))
"""


async def test_a_starting_worker_kills_what_carries_its_mark(tmp_path: Path) -> None:
    mark = data_mark(tmp_path)
    left, other = [
        await asyncio.create_subprocess_exec("sleep", "86420", env={MARK: of})
        for of in (mark, data_mark(tmp_path / "other"))
    ]
    # Both are in the process table with their environment once their program has begun.
    await until(lambda: len(sleepers("86420")) == 2)
    assert await asyncio.to_thread(reap_marked, mark) == 1
    assert await left.wait() == -signal.SIGKILL
    assert other.returncode is None
    other.kill()
    await other.wait()


async def test_a_runner_that_opens_removes_folders_that_were_left() -> None:
    with TemporaryDirectory() as home:  # short, or runs would lie elsewhere
        left = Path(home) / "runs" / "old" / "run"
        left.mkdir(parents=True)
        runner = await FunctionRunner.open(Path(home))
        assert not left.exists()
        await runner.close()


WHO = "import os\ndef run(): return {'parent': os.getppid(), 'own': os.getpid()}"


async def test_a_changed_secret_gets_a_warm_parent_that_knows_it(bench: Bench) -> None:
    code = "import os\nSECRET = os.environ['S']\ndef run(): return {'secret': SECRET}"
    for version in ("1", "2"):
        result = await bench.result(code, environment={"S": version}, secrets_version=version)
        assert result == {"secret": version}


async def test_workspaces_never_share_a_warm_parent(tmp_path: Path) -> None:
    runner = await FunctionRunner.open(tmp_path, namespaces=False)
    bench = Bench(tmp_path, runner)
    parents = {
        (await bench.result(WHO, workspace_id=workspace))["parent"]
        for workspace in ("acme", "umbrella", "acme")
    }
    await runner.close()
    assert len(parents) == 2


async def test_an_idle_warm_parent_ends(tmp_path: Path) -> None:
    runner = await FunctionRunner.open(tmp_path, namespaces=False, idle_seconds=0.05)
    bench = Bench(tmp_path, runner)
    first = (await bench.result(WHO))["parent"]
    await until(lambda: not Path(f"/proc/{first}").exists())
    assert (await bench.result(WHO))["parent"] != first
    await runner.close()


async def test_the_warm_parent_used_longest_ago_makes_room(tmp_path: Path) -> None:
    runner = await FunctionRunner.open(tmp_path, namespaces=False, max_zygotes=2)
    bench = Bench(tmp_path, runner)
    parents = {}
    for workspace in ("first", "second", "first", "third"):
        parents[workspace] = (await bench.result(WHO, workspace_id=workspace))["parent"]
    await until(lambda: not Path(f"/proc/{parents['second']}").exists())
    assert Path(f"/proc/{parents['first']}").exists()
    await runner.close()


async def test_a_run_waits_for_room_among_the_warm_parents(tmp_path: Path) -> None:
    runner = await FunctionRunner.open(tmp_path, max_zygotes=1)
    bench = Bench(tmp_path, runner)
    bench.write(
        "import time\ndef run():\n    print('up', flush=True)\n    time.sleep(0.2)\n    return {}"
    )
    first = asyncio.ensure_future(runner.run(bench.spec(), bench.host))
    await bench.host.hear("up")
    await runner.run(bench.spec(workspace_id="other"), RecordingHost())
    assert first.done()
    await runner.close()


async def test_many_runs_at_once_all_end_well(bench: Bench) -> None:
    code = "def run(n): return {'n': n}"
    bench.write(code)
    specs: list[RunSpec] = [bench.spec(job_id=f"job-{n}", inputs={"n": n}) for n in range(60)]
    outcomes = await asyncio.gather(*(bench.runner.run(spec, bench.host) for spec in specs))
    assert [outcome.result["n"] for outcome in outcomes] == list(range(60))


async def test_no_descriptor_is_left_open_by_a_run(bench: Bench) -> None:
    await bench.result(WHO)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        await bench.result(WHO)
    # A thread of another test may open or close one meanwhile: a leak would be twenty.
    assert len(os.listdir("/proc/self/fd")) < before + 10

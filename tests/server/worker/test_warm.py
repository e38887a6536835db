"""`process: warm`: one process, run after run."""

from __future__ import annotations

import asyncio

import pytest

from puras.server.worker.process import warm_parent

from .support import Bench
from .test_lifetimes import until

COUNT = """
    import os
    calls = []
    def run(**inputs):
        calls.append(1)
        return {"calls": len(calls), "cwd": os.getcwd(), "job": os.environ["PURAS_JOB_ID"]}
"""


async def test_module_globals_live_on_between_warm_runs(bench: Bench) -> None:
    results = [await bench.result(COUNT, process="warm", job_id=f"job-{n}") for n in range(3)]
    assert [result["calls"] for result in results] == [1, 2, 3]
    assert [result["job"] for result in results] == ["job-0", "job-1", "job-2"]
    assert len({result["cwd"] for result in results}) == 3


async def test_a_warm_run_s_files_and_variables_are_gone_in_the_next(bench: Bench) -> None:
    code = """
        import os, tempfile
        def run():
            before = sorted(os.listdir()), os.environ.get("LEFT"), os.listdir(tempfile.gettempdir())
            open("left", "w").close()
            tempfile.mkdtemp()
            os.environ["LEFT"] = "1"
            return {"before": before}
    """
    for _ in range(2):
        assert await bench.result(code, process="warm") == {"before": [[], None, []]}


async def test_each_warm_run_has_its_own_output(bench: Bench) -> None:
    code = "import sys\ndef run(n):\n    print(n)\n    sys.stdout.close()\n    return {}"
    for n in range(3):
        await bench.result(code, process="warm", inputs={"n": n})
    assert bench.host.logged() == ["0", "1", "2"]


@pytest.mark.parametrize(
    "leave",
    [
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "subprocess.Popen(['sleep', '86430'])",
    ],
)
async def test_a_run_that_leaves_something_behind_retires_its_process(
    bench: Bench, leave: str
) -> None:
    code = f"""
        import subprocess, threading
        calls = []
        def run():
            calls.append(1)
            {leave}
            return {{"calls": len(calls)}}
    """
    for _ in range(2):
        assert await bench.result(code, process="warm") == {"calls": 1}


async def test_a_thread_pool_that_was_shut_down_retires_nothing(bench: Bench) -> None:
    code = """
        from concurrent.futures import ThreadPoolExecutor
        calls = []
        def run():
            calls.append(1)
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(str, range(100)))
            return {"calls": len(calls)}
    """
    assert [(await bench.result(code, process="warm"))["calls"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("limit", ["while True: pass", "raise MemoryError", "os.abort()"])
async def test_a_limit_or_a_signal_retires_the_process(bench: Bench, limit: str) -> None:
    code = f"""
        import os
        calls = []
        def run(hit):
            calls.append(1)
            if hit:
                {limit}
            return {{"calls": len(calls)}}
    """
    await bench.result(code, process="warm", inputs={"hit": False})
    await bench.failure(code, process="warm", inputs={"hit": True}, timeout_seconds=0.3)
    result = await bench.result(code, process="warm", inputs={"hit": False})
    assert result == {"calls": 1}


async def test_a_plain_exception_does_not_retire_the_process(bench: Bench) -> None:
    code = """
        calls = []
        def run(fail):
            calls.append(1)
            if fail: raise ValueError
            return {"calls": len(calls)}
    """
    await bench.failure(code, process="warm", inputs={"fail": True})
    assert await bench.result(code, process="warm", inputs={"fail": False}) == {"calls": 2}


async def test_a_cancelled_run_retires_the_process(bench: Bench) -> None:
    code = """
        import signal
        calls = []
        def run(wait):
            calls.append(1)
            if wait:
                print("waiting", flush=True)
                signal.pause()
            return {"calls": len(calls)}
    """
    bench.write(code)
    run = asyncio.ensure_future(
        bench.runner.run(bench.spec(process="warm", inputs={"wait": True}), bench.host)
    )
    await bench.host.hear("waiting")
    run.cancel()
    await asyncio.wait([run])
    assert await bench.result(code, process="warm", inputs={"wait": False}) == {"calls": 1}


@pytest.mark.parametrize(("name", "value"), [("MAX_WARM_RUNS", 2), ("MAX_WARM_SECONDS", 0.0)])
async def test_a_warm_process_is_renewed_after_so_many_runs_or_so_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    monkeypatch.setattr(warm_parent, name, value)
    calls = [(await bench.result(COUNT, process="warm"))["calls"] for _ in range(4)]
    assert calls == ([1, 2, 1, 2] if name == "MAX_WARM_RUNS" else [1, 1, 1, 1])


async def test_one_warm_process_serves_one_run_at_a_time(bench: Bench) -> None:
    code = """
        import os, time
        def run():
            print("at work", flush=True)
            time.sleep(0.1)
            return {"pid": os.getpid()}
    """
    bench.write(code)
    specs = [bench.spec(process="warm", job_id=f"job-{n}") for n in range(3)]
    outcomes = await asyncio.gather(*(bench.runner.run(spec, bench.host) for spec in specs))
    assert len({outcome.result["pid"] for outcome in outcomes}) == 3  # type: ignore[union-attr]


async def test_skills_and_workspaces_have_warm_processes_of_their_own(bench: Bench) -> None:
    bench.write(COUNT, "other/main.py")
    assert (await bench.result(COUNT, process="warm"))["calls"] == 1
    assert (await bench.result(process="warm", skill_folder="other"))["calls"] == 1
    assert (await bench.result(process="warm", workspace_id="umbrella"))["calls"] == 1
    assert (await bench.result(process="warm"))["calls"] == 2


@pytest.mark.parametrize("process", ["fresh", "warm"])
async def test_a_folder_that_a_run_left_its_mark_on_is_not_given_to_the_next(
    bench: Bench, process: str
) -> None:
    code = """
        import os
        def run(mark):
            seen = {
                "names": sorted(os.listdir("..")) + os.listdir(".") + os.listdir("../home"),
                "modes": [os.lstat(name).st_mode for name in ("..", ".", "../home")],
                "attributes": os.listxattr("..") + os.listxattr("."),
            }
            exec(mark)
            return seen
    """
    marks = {
        "nothing": "pass",
        "a file": "open('../home/left', 'w').close()",
        "a mode": "os.chmod('.', 0o500)",
        "a name": "os.mkdir('../other')",
        "an attribute": "os.setxattr('..', 'user.left', b'1')",
        "a link": "os.rmdir('../home'), os.symlink('/tmp', '../home')",
    }
    for mark in [*marks.values(), "pass"]:
        assert await bench.result(code, process=process, inputs={"mark": mark}) == {
            "names": ["home", "puras.sock", "tmp", "work"],
            "modes": [0o040700] * 3,
            "attributes": [],
        }


async def test_each_run_has_a_process_and_a_folder_of_its_own(
    bench: Bench,
) -> None:
    code = """
        import os
        def run():
            return {"pid": os.getpid(), "cwd": os.getcwd()}
    """
    first, second, third = [await bench.result(code) for _ in range(3)]
    assert len({run["pid"] for run in (first, second, third)}) == 3
    assert len({run["cwd"] for run in (first, second, third)}) == 3


async def test_a_process_that_died_while_it_waited_is_replaced(bench: Bench) -> None:
    code = "import os\ndef run():\n    return {'pid': os.getpid()}"
    await bench.result(code)
    (parent,) = bench.runner._zygotes._parents.values()
    await until(lambda: bool(parent._idle))
    await parent._idle[0].kill()
    assert await bench.result(code)

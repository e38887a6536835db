"""What a function's run comes to, whatever the function does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from puras.server.worker.process import zygote_line
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.spec import Lost, Succeeded

from .support import Bench, until_gone

MIB = 1024 * 1024


async def test_a_function_gets_its_inputs_by_name_and_returns_its_outputs(bench: Bench) -> None:
    result = await bench.result("def run(a, b=2): return {'sum': a + b}", inputs={"a": 40})
    assert result == {"sum": 42}


async def test_an_async_function_is_awaited_in_the_scout_s_wake_too(bench: Bench) -> None:
    code = """
        import asyncio
        async def run(n):
            await asyncio.sleep(0)
            return {"n": n}
    """
    for n in range(3):
        assert await bench.result(code, inputs={"n": n}) == {"n": n}


async def test_none_is_an_empty_result(bench: Bench) -> None:
    assert await bench.result("def run(): return None") == {}


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[1, 2]", "returned a list"),
        ("'text'", "returned a string"),
        ("7", "returned a number"),
        ("True", "returned a boolean"),
        ("{'x': float('nan')}", "no JSON"),
        ("{'x': float('inf')}", "no JSON"),
        ("{'x': datetime.date(2026, 1, 1)}", "date is not JSON serializable"),
        ("{'x': b'bytes'}", "bytes is not JSON serializable"),
        ("{'x': 'y' * (10 * 1024 * 1024)}", "may have 10,485,760"),
        ("functools.reduce(lambda inner, _: {'x': inner}, range(100_000), {})", "too deeply"),
    ],
)
async def test_a_result_that_is_no_json_object_is_output_invalid(
    bench: Bench, returned: str, said: str
) -> None:
    failure = await bench.failure(f"import datetime, functools\ndef run(): return {returned}")
    assert failure.error_code == "output_invalid"
    assert said in failure.error
    assert failure.public_error == failure.error


async def test_half_a_surrogate_pair_comes_back_as_the_replacement_character(bench: Bench) -> None:
    assert await bench.result("def run(): return {'x': 'a\\ud800b'}") == {"x": "a\ufffdb"}


async def test_an_exception_names_its_type_its_text_and_its_line(bench: Bench) -> None:
    failure = await bench.failure("def run():\n    raise ValueError('no\\nsuch page')")
    assert failure.error_code == "function_error"
    assert failure.error == "ValueError: no such page (main.py:2)"
    assert "no such page" not in failure.public_error


async def test_the_traceback_is_one_log_event_that_publishable_keys_do_not_see(
    bench: Bench,
) -> None:
    await bench.failure("def run():\n    raise ValueError('secret')")
    [(type, payload, public)] = bench.host.events
    assert (type, payload["level"]) == ("log", "error")
    assert "line 2, in run" in payload["message"]
    assert "invocation.py" not in payload["message"]
    assert public == {"level": "error", "message": "hidden", "redacted": True}


async def test_a_user_error_s_text_is_for_the_caller(bench: Bench) -> None:
    failure = await bench.failure(
        "from puras import UserError\ndef run(): raise UserError('the page is empty')"
    )
    assert failure.error_code == "function_error"
    assert failure.error == failure.public_error == "the page is empty"


async def test_an_exception_whose_text_raises_still_ends_the_run_well(bench: Bench) -> None:
    failure = await bench.failure("""
        class Odd(Exception):
            def __str__(self): raise RuntimeError
        def run(): raise Odd
    """)
    assert failure.error.startswith("Odd: (its text can't be shown)")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import sys; sys.exit(3)", "sys.exit(3)"),
        ("import sys; sys.exit(0)", "sys.exit(0)"),
        ("import os; os._exit(5)", "exit code 5"),
        ("import os; os._exit(0)", "exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
async def test_an_end_other_than_a_return_is_a_function_error(
    bench: Bench, body: str, said: str
) -> None:
    failure = await bench.failure(f"def run():\n    {body}")
    assert failure.error_code == "function_error"
    assert said in failure.error


@pytest.mark.parametrize(
    "body",
    [
        "x = bytearray(800 * 1024 * 1024)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "raise MemoryError",
    ],
)
async def test_a_run_that_needs_too_much_memory_is_out_of_memory(bench: Bench, body: str) -> None:
    failure = await bench.failure(f"def run():\n    {body}")
    assert failure.error_code == "out_of_memory"


async def test_memory_is_counted_over_all_of_a_run_s_processes(bench: Bench) -> None:
    failure = await bench.failure(
        """
        import os, signal
        def run():
            for _ in range(4):
                if os.fork() == 0:
                    kept = bytearray(os.urandom(1)) * (60 * 1024 * 1024)
                    signal.pause()
            signal.pause()
    """,
        memory_bytes=200 * MIB,
    )
    assert failure.error_code == "out_of_memory"


async def test_a_run_with_too_many_processes_is_stopped(bench: Bench) -> None:
    failure = await bench.failure(
        """
        import os, signal
        def run():
            for _ in range(600):
                if os.fork() == 0:
                    signal.pause()
            signal.pause()
    """,
        memory_bytes=8192 * MIB,
    )
    assert failure.error_code == "function_error"
    assert "512 processes" in failure.error


async def test_a_file_over_its_limit_is_refused(bench: Bench) -> None:
    result = await bench.result("""
        def run():
            with open("large", "wb") as file:
                try:
                    file.truncate(3 * 1024 ** 3)
                except OSError as error:
                    return {"errno": error.errno}
    """)
    assert result == {"errno": 27}


async def test_open_files_are_limited(bench: Bench) -> None:
    result = await bench.result("""
        import os
        def run():
            try:
                return {"opened": [os.open("/dev/null", os.O_RDONLY) for _ in range(2000)]}
            except OSError as error:
                return {"errno": error.errno}
    """)
    assert result == {"errno": 24}


async def test_a_run_over_its_time_is_a_timeout(bench: Bench) -> None:
    failure = await bench.failure("def run():\n    while True: pass", timeout_seconds=0.3)
    assert failure.error_code == "timeout"
    assert "0.3 s" in failure.error


async def test_a_function_that_does_not_exist_is_a_function_error(bench: Bench) -> None:
    failure = await bench.failure("def walk(): pass")
    assert failure.error == "main.py defines no function `run`"


async def test_an_import_that_fails_is_a_function_error_each_time(bench: Bench) -> None:
    for _ in range(3):
        failure = await bench.failure("import no_such_module_at_all\ndef run(): pass")
        assert failure.error_code == "function_error"
        assert failure.error.startswith("ModuleNotFoundError: No module named")
        assert failure.error.endswith("(main.py:1)")


async def test_code_that_is_no_python_names_its_line(bench: Bench) -> None:
    failure = await bench.failure("def run():\n    return {")
    assert failure.error.startswith("SyntaxError")
    assert failure.error.endswith("(main.py:2)")


async def test_an_interpreter_that_can_not_start_breaks_the_deployment(
    bench: Bench, tmp_path: Path
) -> None:
    failure = await bench.failure("def run(): pass", python=tmp_path / "bin" / "python")
    assert failure.error_code == "deployment_broken"
    assert "No such file" in failure.error


def stuck_python(folder: Path) -> Path:
    """Write an interpreter that never starts: it sleeps for a number of seconds of its own."""
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\nexec sleep 60.{os.getpid()}\n")
    python.chmod(0o755)
    return python


def stuck_processes() -> list[int]:
    called = (path for path in Path("/proc").glob("[0-9]*/cmdline"))
    word = f"\060.{os.getpid()}\0".encode()
    return [int(path.parent.name) for path in called if word in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_an_interpreter_that_is_killed_while_it_starts_loses_the_run(
    bench: Bench, tmp_path: Path
) -> None:
    spec = {"python": stuck_python(tmp_path)}
    running = asyncio.ensure_future(bench.outcome("def run(): pass", **spec))
    while not stuck_processes() and not running.done():
        await asyncio.wait([running], timeout=0.02)
    for pid in stuck_processes():
        os.kill(pid, signal.SIGKILL)
    assert await running == Lost("the interpreter was killed while it started")


async def test_an_interpreter_that_takes_too_long_to_start_loses_the_run(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote_line, "_START_SECONDS", 0.5)
    outcome = await bench.outcome("def run(): pass", python=stuck_python(tmp_path))
    assert outcome == Lost("the interpreter was not ready within 0.5 s")
    assert not stuck_processes()


async def test_two_skills_with_files_of_the_same_name_do_not_mix(bench: Bench) -> None:
    for name in ("first", "second"):
        bench.write("import helper\ndef run(): return {'name': helper.NAME}", f"{name}/main.py")
        bench.write(f"NAME = {name!r}", f"{name}/helper.py")
    for _ in range(3):
        for name in ("first", "second"):
            result = await bench.result(skill_name=name, skill_folder=name)
            assert result == {"name": name}


async def test_the_bundle_s_root_is_importable(bench: Bench) -> None:
    bench.write("def double(n): return 2 * n", "lib/numbers_of_ours.py")
    code = "from lib.numbers_of_ours import double\ndef run(n): return {'n': double(n)}"
    assert await bench.result(code, inputs={"n": 21}) == {"n": 42}


async def test_an_entry_in_a_folder_imports_its_neighbours(bench: Bench) -> None:
    bench.write("NAME = 'near'", "skill/scripts/near.py")
    bench.write("import near\ndef go(): return {'name': near.NAME}", "skill/scripts/x.py")
    assert await bench.result(entrypoint="scripts/x.py:go") == {"name": "near"}


async def test_fresh_runs_share_no_state(bench: Bench) -> None:
    code = "calls = []\ndef run():\n    calls.append(1)\n    return {'calls': len(calls)}"
    assert [await bench.result(code) for _ in range(4)] == [{"calls": 1}] * 4


async def test_a_module_that_starts_a_thread_is_never_imported_ahead(bench: Bench) -> None:
    code = """
        import os, threading
        importer = os.getpid()
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        def run(): return {"own": importer == os.getpid()}
    """
    assert [await bench.result(code) for _ in range(4)] == [{"own": True}] * 4


async def test_a_quiet_module_is_imported_ahead(bench: Bench) -> None:
    code = "import os\nimporter = os.getpid()\ndef run(): return {'own': importer == os.getpid()}"
    found = [(await bench.result(code))["own"] for _ in range(20)]
    assert found[0] is True
    assert found[-1] is False


async def test_random_numbers_differ_between_forks(bench: Bench) -> None:
    code = "import random\ndef run(): return {'n': random.random()}"
    numbers = [(await bench.result(code))["n"] for _ in range(8)]
    assert len(set(numbers)) == 8


async def test_a_run_has_a_short_environment_with_its_secrets(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PURAS_BOOTSTRAP_KEY", "nobody's business")
    code = "import os\ndef run(): return {'env': dict(os.environ), 'cwd': os.getcwd()}"
    result = await bench.result(code, environment={"API_TOKEN": "s3cret"}, attempt=2)
    environment, folder = result["env"], Path(result["env"]["PURAS_SOCKET"]).parent
    assert environment["API_TOKEN"] == "s3cret"
    assert (environment["PURAS_JOB_ID"], environment["PURAS_ATTEMPT"]) == ("job-1", "2")
    assert {Path(environment["HOME"]).parent, Path(environment["TMPDIR"]).parent} == {folder}
    assert Path(result["cwd"]).parent == folder
    assert "PURAS_BOOTSTRAP_KEY" not in environment
    allowed = {"PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME", "TMPDIR"}
    others = {name for name in environment.keys() - allowed if "proxy" not in name.lower()}
    assert {name for name in others if not name.startswith("PURAS_")} == {"API_TOKEN"}


async def test_every_run_has_a_folder_of_its_own_that_is_gone_afterwards(bench: Bench) -> None:
    code = """
        import os, pathlib
        def run():
            pathlib.Path("left").write_text("x")
            os.mkdir("shut"); os.chmod("shut", 0)
            return {"cwd": os.getcwd(), "found": sorted(os.listdir())}
    """
    first, second = await bench.result(code), await bench.result(code)
    assert first["cwd"] != second["cwd"]
    assert first["found"] == second["found"] == ["left", "shut"]
    await until_gone(Path(first["cwd"]).parent)


async def test_a_folder_is_removed_after_a_failure_too(bench: Bench) -> None:
    await bench.failure("import os\ndef run():\n    print(os.getcwd(), flush=True)\n    os.abort()")
    await until_gone(Path(bench.host.logged()[0]).parent)


@pytest.mark.parametrize("temporary", ["short", "t" * 100])
async def test_a_deep_data_folder_has_its_sockets_elsewhere(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, temporary: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary))
    (tmp_path / temporary).mkdir()
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    runner = await FunctionRunner.open(deep)
    try:
        bench.write("from puras import log\ndef run(): log('through'); return {}")
        outcome = await runner.run(bench.spec(), bench.host)
    finally:
        await runner.close()
    assert outcome == Succeeded({})
    assert bench.host.logged() == ["through"]


async def test_a_run_whose_warm_parent_dies_is_lost_and_the_next_gets_a_new_one(
    tmp_path: Path,
) -> None:
    runner = await FunctionRunner.open(tmp_path, namespaces=False)
    bench = Bench(tmp_path, runner)
    bench.write("""
        import os, signal
        def run(wait):
            print(f"parent {os.getppid()}", flush=True)
            if wait:
                signal.pause()
            return {"alive": True}
    """)
    run = asyncio.ensure_future(runner.run(bench.spec(inputs={"wait": True}), bench.host))
    os.kill(int(await bench.host.hear_prefix("parent ")), signal.SIGKILL)
    assert isinstance(await run, Lost)
    assert await bench.result(inputs={"wait": False}) == {"alive": True}
    await runner.close()


async def test_pillow_works_inside_of_the_limits(bench: Bench) -> None:
    code = """
        from PIL import Image
        def run():
            image = Image.new("RGB", (64, 64), "red").resize((32, 32))
            image.save("red.png")
            return {"size": list(Image.open("red.png").size)}
    """
    assert await bench.result(code) == {"size": [32, 32]}


async def test_a_process_pool_works_where_shared_memory_is_private(bench: Bench) -> None:
    code = """
        import concurrent.futures, multiprocessing
        def square(n): return n * n
        def run():
            context = multiprocessing.get_context("fork")
            with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
                return {"squares": list(pool.map(square, range(4)))}
    """
    assert await bench.result(code) == {"squares": [0, 1, 4, 9]}


async def test_a_program_may_be_started(bench: Bench) -> None:
    code = f"""
        import subprocess
        def run():
            command = [{sys.executable!r}, "-c", "print('from a child')"]
            return {{"said": subprocess.run(command, capture_output=True, text=True).stdout}}
    """
    assert await bench.result(code) == {"said": "from a child\n"}

"""What a skill can't do to the machine, to the server, to other runs: each layer, tried."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.worker.isolation import probe
from puras.server.worker.process.runner import FunctionRunner

from .support import Bench

ATTEMPT = """
    import ctypes, os, signal, socket
    libc = ctypes.CDLL(None, use_errno=True)
    def call(number, *arguments):
        if libc.syscall(number, *arguments) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    def run(**given):
        try:
            value = TRY
            return {"did": True, "value": repr(value)}
        except OSError as error:
            return {"did": False, "errno": error.errno}
"""


async def attempt(bench: Bench, expression: str, **inputs: object) -> dict[str, object]:
    return await bench.result(ATTEMPT.replace("TRY", expression), inputs=inputs)


async def test_a_skill_can_not_read_the_database(either_bench: Bench) -> None:
    (either_bench.home / "puras.db").write_text("everything")
    path = str(either_bench.home / "puras.db")
    assert not (await attempt(either_bench, "open(given['path']).read()", path=path))["did"]


async def test_a_skill_can_not_list_the_data_folder(either_bench: Bench) -> None:
    path = str(either_bench.home)
    assert not (await attempt(either_bench, "os.listdir(given['path'])", path=path))["did"]


async def test_a_skill_can_not_read_another_bundle(either_bench: Bench) -> None:
    either_bench.write("x", "../two/secret.py")
    path = str(either_bench.home / "bundles" / "two" / "secret.py")
    assert not (await attempt(either_bench, "open(given['path']).read()", path=path))["did"]


@pytest.mark.parametrize(
    "expression",
    [
        "open(given['path'], 'a')",
        "open(given['path'] + '.new', 'w')",
        "os.unlink(given['path'])",
        "os.rename(given['path'], given['path'] + '.old')",
        "os.truncate(given['path'], 0)",
    ],
)
async def test_a_skill_can_not_change_its_bundle(either_bench: Bench, expression: str) -> None:
    path = str(either_bench.bundle / "skill" / "main.py")
    assert not (await attempt(either_bench, expression, path=path))["did"]


async def test_a_skill_can_not_write_elsewhere(either_bench: Bench) -> None:
    path = str(Path(tempfile.gettempdir()) / "puras-was-here")
    assert not (await attempt(either_bench, "open(given['path'], 'w')", path=path))["did"]
    assert not Path(path).exists()


async def test_a_skill_can_not_signal_the_server(either_bench: Bench) -> None:
    result = await attempt(either_bench, "os.kill(given['pid'], 0)", pid=os.getpid())
    assert not result["did"]


async def test_a_skill_can_not_signal_its_warm_parent(either_bench: Bench) -> None:
    assert not (await attempt(either_bench, "os.kill(os.getppid(), signal.SIGKILL)"))["did"]


async def test_a_skill_can_not_read_the_server_s_environment(either_bench: Bench) -> None:
    path = f"/proc/{os.getpid()}/environ"
    assert not (await attempt(either_bench, "open(given['path']).read()", path=path))["did"]


async def test_a_skill_can_not_see_another_run_s_folder(either_bench: Bench) -> None:
    either_bench.write(
        "import os, signal\ndef run():\n    print(os.getcwd(), flush=True)\n    signal.pause()",
        "skill/waits.py",
    )
    other = asyncio.ensure_future(
        either_bench.runner.run(
            either_bench.spec(job_id="job-2", entrypoint="waits.py:run"), either_bench.host
        )
    )
    path = await either_bench.host.hear_prefix("")
    assert not (await attempt(either_bench, "os.listdir(given['path'])", path=path))["did"]
    assert not (await attempt(either_bench, "open(given['path'] + '/x', 'w')", path=path))["did"]
    await either_bench.runner.kill("job-2")
    await other


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("ptrace", "call({'x86_64': 101, 'aarch64': 117}[os.uname().machine], 0, 0, 0, 0)"),
        ("unshare", "libc.unshare(0x10000000) and call(-1)"),
        ("clone", "call({'x86_64': 56, 'aarch64': 220}[os.uname().machine], 0x10000011, 0, 0, 0)"),
        ("bpf", "call({'x86_64': 321, 'aarch64': 280}[os.uname().machine], 0, 0, 0)"),
        ("io_uring", "call(425, 1, 0)"),
        ("keyctl", "call({'x86_64': 250, 'aarch64': 219}[os.uname().machine], 0, 0, 0)"),
        ("perf", "call({'x86_64': 298, 'aarch64': 241}[os.uname().machine], 0, 0, 0, 0, 0)"),
    ],
)
async def test_dangerous_system_calls_are_refused(bench: Bench, name: str, expression: str) -> None:
    result = await attempt(bench, expression)
    assert not result["did"], name
    assert result["errno"] in {1, 38}


async def test_a_skill_holds_no_capability_and_gains_none(bench: Bench) -> None:
    code = """
        def run():
            with open("/proc/self/status") as status:
                lines = dict(line.split(":", 1) for line in status)
            names = ("CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")
            return {name: int(lines[name], 16) for name in names}
    """
    assert await bench.result(code) == {
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": 0,
        "NoNewPrivs": 1,
        "Seccomp": 2,
    }


async def test_a_skill_sees_no_process_but_its_own(bench: Bench) -> None:
    code = "import os\ndef run(): return {'pids': [p for p in os.listdir('/proc') if p.isdigit()]}"
    assert len((await bench.result(code))["pids"]) <= 3


async def test_a_skill_inherits_no_descriptor(bench: Bench) -> None:
    code = """
        import os
        def run():
            found = {}
            for name in os.listdir("/proc/self/fd"):
                try:
                    found[name] = os.readlink(f"/proc/self/fd/{name}")
                except OSError:
                    pass
            return found
    """
    found = await bench.result(code)
    kinds = sorted(path.partition(":")[0] for path in found.values())
    # stdin; stdout and stderr, twice; the run's own channel.
    assert kinds == ["/dev/null", "pipe", "pipe", "pipe", "pipe", "socket"]


async def test_an_abstract_socket_of_the_server_is_out_of_reach(either_bench: Bench) -> None:
    name = f"puras-test-{os.getpid()}"
    server = await asyncio.start_unix_server(lambda *_: None, f"\0{name}")
    code = "socket.socket(socket.AF_UNIX).connect('\\0' + given['name'])"
    assert not (await attempt(either_bench, code, name=name))["did"]
    server.close()


async def test_code_that_an_environment_runs_at_start_is_isolated_too(
    bench: Bench, tmp_path: Path
) -> None:
    environment, secret = tmp_path / "environment", tmp_path / "puras.db"
    secret.write_text("everything")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "venv", "--without-pip", str(environment)
    )
    await process.wait()
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "early.pth").write_text("import early")
    (packages / "early.py").write_text(
        f"try: STOLEN = open({str(secret)!r}).read()\nexcept OSError: STOLEN = None"
    )
    code = """
        import sys
        def run(): return {"early": "early" in sys.modules, "stolen": sys.modules["early"].STOLEN}
    """
    result = await bench.result(code, python=environment / "bin" / "python")
    assert result == {"early": True, "stolen": None}


@pytest.fixture
async def open_bench() -> AsyncIterator[Bench]:
    """A data folder that other users can reach, as in a container whose server is root."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))
    home.chmod(0o755)
    runner = await FunctionRunner.open(home)
    yield Bench(home, runner)
    await runner.close()
    shutil.rmtree(home)


@pytest.mark.skipif(
    probe.user_for(0, [Path("/usr/bin/python3")]) is None,
    reason="needs root, and an interpreter that other users can reach",
)
async def test_a_root_server_s_runs_have_a_user_of_their_own(open_bench: Bench) -> None:
    code = """
        import os
        from puras import drive, log
        def run():
            log("the socket is ours")
            return {"user": os.getuid(), "read": drive.read("x").decode(), "home": os.getcwd()}
    """

    async def read(arguments: dict[str, object], folder: Path) -> dict[str, str]:
        (folder / "answer").write_text("from the drive")
        return {"file": "answer"}

    open_bench.host.verbs["drive.read"] = read
    result = await open_bench.result(code, python=Path("/usr/bin/python3"))
    assert result["user"] >= 61_184
    assert result["read"] == "from the drive"
    assert open_bench.host.logged() == ["the socket is ours"]


def test_the_report_names_every_layer_and_says_why() -> None:
    layers = probe.report()
    names = [layer.name for layer in layers]
    assert names == [
        *("session", "limits", "namespaces", "network", "user", "capabilities", "privileges"),
        *("landlock", "reach", "seccomp", "bubblewrap"),
    ]
    assert all(layer.why for layer in layers)
    assert {layer.name for layer in layers if layer.active} >= {"session", "limits", "privileges"}

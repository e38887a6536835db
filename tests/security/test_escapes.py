"""What a skill tries to reach, run as a real skill: with every layer, without namespaces, and by a
server that is neither root nor allowed namespaces. What `puras admin doctor` claims, holds there.

More of it, layer by layer, is in `tests/server/worker/test_isolation.py`; bombs of memory,
processes and descriptors in `test_runner.py` beside it, floods of output in `test_output.py`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

import puras
from puras.server.worker.isolation import landlock, namespaces, probe
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.spec import Failed

from ..server.support import open_server
from ..server.worker.support import Bench

SECRET = "canary-in-a-place-of-the-server"

ATTEMPTS = """
    import ctypes, os, signal, socket, sys

    libc = ctypes.CDLL(None, use_errno=True)

    def call(*numbers):
        number = numbers[0] if os.uname().machine == "x86_64" else numbers[1]
        if libc.syscall(number, *numbers[2:]) == -1:
            raise OSError(ctypes.get_errno(), "refused")

    def tried(attempt):
        try:
            return repr(attempt())[:200]
        except OSError as error:
            return error.errno

    def run(**given):
        home, pid, port = given["home"], given["pid"], given["port"]
        other, name = given["other"], given["name"]
        attempts = {
            "read the database": lambda: open(f"{home}/puras.db").read(),
            "read the secrets key": lambda: open(f"{home}/secrets.key").read(),
            "list the data folder": lambda: os.listdir(home),
            "read the operator's login": lambda: open(given["login"]).read(),
            "read another deployment": lambda: open(f"{home}/bundles/two/secret.py").read(),
            "list all runs": lambda: os.listdir(f"{home}/runs"),
            "list the runs' calls": lambda: os.listdir(f"{home}/runs/calls"),
            "write into its deployment": lambda: open(__file__, "a"),
            "link out of its deployment": lambda: os.link(__file__, "hard"),
            "write into its environment": lambda: open(f"{os.__file__}x", "w"),
            "follow a link to the database": lambda: (
                os.symlink(f"{home}/puras.db", "soft"), open("soft").read()
            ),
            "link the database": lambda: os.link(f"{home}/puras.db", "linked"),
            "read the server's environment": lambda: open(f"/proc/{pid}/environ").read(),
            "read the server's memory": lambda: open(f"/proc/{pid}/mem", "rb"),
            "take the server's descriptors": lambda: opened(pid),
            "go through the server's root": lambda: os.listdir(f"/proc/{pid}/root"),
            "read its warm parent's memory": lambda: open(f"/proc/{os.getppid()}/mem", "rb"),
            "write its warm parent's memory": lambda: open(f"/proc/{os.getppid()}/mem", "wb"),
            "take its warm parent's descriptors": lambda: opened(os.getppid()),
            "signal the server": lambda: os.kill(pid, 0),
            "signal its warm parent": lambda: os.kill(os.getppid(), signal.SIGSTOP),
            "trace": lambda: call(101, 117, 16, os.getppid(), 0, 0),
            "read memory across": lambda: call(310, 270, os.getppid(), 0, 0, 0, 0, 0),
            "become root": lambda: os.setuid(0 if os.getuid() else 1),
            "mount": lambda: call(165, 40, b"none", b"/tmp", b"tmpfs", 0, 0),
            "leave its root": lambda: os.chroot("/"),
            "make a user namespace": lambda: call(272, 97, 0x10000000),
            "make a network namespace": lambda: call(272, 97, 0x40000000),
            "clone into a namespace": lambda: call(56, 220, 0x10000000, 0, 0, 0, 0),
            "enter a namespace": lambda: call(308, 268, 0, 0),
            "use a keyring": lambda: call(250, 219, 0, -3, 1),
            "load a program into the kernel": lambda: call(321, 280, 0, 0, 0),
            "use io_uring": lambda: call(425, 425, 1, 0),
            "push into a terminal": lambda: libc_ioctl(0, 0x5412),
            "keep System V memory": lambda: call(29, 194, 0, 4096, 0o1600),
            "keep System V messages": lambda: call(68, 186, 0, 0o1600),
            "keep memory without a name": lambda: os.memfd_create("x"),
            "talk to the hypervisor": lambda: socket.socket(40, socket.SOCK_STREAM),
            "use the kernel's ciphers": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
            "see raw packets": lambda: socket.socket(17, socket.SOCK_RAW, 768),
            "watch the kernel's events": lambda: socket.socket(16, socket.SOCK_RAW, 15),
            "make a device": lambda: os.mknod("device", 0o20666, os.makedev(1, 1)),
            "write a setting of the kernel": lambda: open("/proc/sys/kernel/core_pattern", "w"),
            "read another run's folder": lambda: os.listdir(other),
            "write into another run's folder": lambda: open(f"{other}/x", "w"),
            "use another run's socket": lambda: asked(f"{os.path.dirname(other)}/puras.sock"),
            "speak to an abstract socket": lambda: socket.socket(socket.AF_UNIX).connect(
                "\\0" + name
            ),
            "leave something in /tmp": lambda: open(f"/tmp/{name}", "w"),
            "leave something in /dev/shm": lambda: open(f"/dev/shm/{name}", "w"),
            "reach a port of the machine": lambda: socket.create_connection(
                ("127.0.0.1", port), 5
            ),
        }
        return {what: tried(attempt) for what, attempt in attempts.items()}

    def opened(pid):
        return [os.open(f"/proc/{pid}/fd/{n}", os.O_RDONLY) for n in os.listdir(f"/proc/{pid}/fd")]

    def asked(path):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            token = os.environ["PURAS_JOB_TOKEN"]
            line.sendall(b'{"id": 1, "token": "%s", "verb": "job.inputs", "args": {}}\\n'
                         % token.encode())
            return line.recv(1000) or refuse()

    def refuse():
        raise OSError(13, "no answer")

    def libc_ioctl(fd, number):
        if libc.ioctl(fd, ctypes.c_ulong(number), b"x") == -1:
            raise OSError(ctypes.get_errno(), "refused")
"""

OPEN_WITH_A_NETWORK = {"reach a port of the machine"}
OPEN_IN_NAMESPACES = {"leave something in /dev/shm"}  # their own, and emptied
OPEN_WITHOUT_LANDLOCK_6 = {"signal the server", "signal its warm parent"}
WAITS = "import os, signal\ndef run():\n    print(os.getcwd(), flush=True)\n    signal.pause()"


@pytest.fixture(params=["namespaces", "plain", "no network", "plain, no network"])
async def walls(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Bench]]:
    plain = request.param.startswith("plain")
    if not plain and not probe.namespaces_work():
        pytest.skip("the kernel allows no namespaces here")
    runner = await FunctionRunner.open(
        tmp_path, namespaces=not plain, network="no network" not in request.param
    )
    yield request.param, Bench(tmp_path, runner)
    await runner.close()


def furnish(bench: Bench) -> dict[str, Any]:
    """Lay out what a server has, and say where."""
    for name in ("puras.db", "secrets.key"):
        (bench.home / name).write_text(SECRET)
    bench.write(f"SECRET = {SECRET!r}", "../two/secret.py")
    login = bench.home.parent / f"{bench.home.name}-user" / ".puras" / "config.json"
    login.parent.mkdir(parents=True)
    login.write_text(SECRET)
    return {"home": str(bench.home), "login": str(login), "pid": os.getpid()}


async def escapes(bench: Bench) -> dict[str, Any]:
    """Let a skill try everything beside a run of the same deployment; return what it did."""
    places = furnish(bench)
    bench.write(WAITS, "skill/waits.py")
    other = asyncio.ensure_future(
        bench.runner.run(bench.spec(job_id="job-2", entrypoint="waits.py:run"), bench.host)
    )
    folder = await bench.host.hear_prefix("")
    name = f"puras-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        given = {**places, "other": folder, "name": name, "port": port.getsockname()[1]}
        found = await bench.result(ATTEMPTS, inputs=given)
    await bench.runner.kill("job-2")
    await other
    assert SECRET not in json.dumps(found)
    return {what: said for what, said in found.items() if not isinstance(said, int)}


async def test_a_skill_reaches_nothing_that_is_not_its_own(walls: tuple[str, Bench]) -> None:
    kind, bench = walls
    allowed = set() if "no network" in kind else set(OPEN_WITH_A_NETWORK)
    allowed |= set() if kind.startswith("plain") else OPEN_IN_NAMESPACES
    if landlock.abi() < landlock.SCOPES_ABI and kind.startswith("plain"):
        allowed |= {*OPEN_WITHOUT_LANDLOCK_6, "speak to an abstract socket"}
    assert set(await escapes(bench)) == allowed


async def test_nothing_of_a_run_is_left_for_the_next_one(bench_of_all: Bench) -> None:
    left = """
        import os, subprocess, sys, threading, time
        import json as patched
        def run(again):
            shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "."
            seen = {
                "shared memory": os.path.exists(f"{shm}/left"),
                "file": os.path.exists("left") or os.path.exists(os.path.expanduser("~/left")),
                "module": hasattr(patched, "left"),
                "environment": "LEFT" in os.environ,
                "processes": len([p for p in os.listdir("/proc") if p.isdigit()]) > 4
                and os.path.exists("/proc/1/comm") and os.getppid() == 1,
            }
            for place in (shm, ".", os.path.expanduser("~")):
                os.makedirs(f"{place}/left", exist_ok=True)
            patched.left = os.environ["LEFT"] = "x"
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        time.sleep(60)
                    os._exit(0)
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            return seen
    """
    bench_of_all.write(left)
    for again in (False, True):
        seen = await bench_of_all.result(inputs={"again": again})
        assert seen == dict.fromkeys(seen, False), again


async def test_an_operator_can_cut_the_network_of_all_skills(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("reach/skill.yaml", REACH)
        archive.writestr("reach/main.py", textwrap.dedent(REACHES))
    with socket.create_server(("127.0.0.1", 0)) as port:
        number = port.getsockname()[1]
        async with open_server(tmp_path, skill_network="none") as server:
            await server.client.post("/v1/skillpacks", json={"name": "Pack", "slug": "pack"})
            files = {"bundle": ("b.zip", packed.getvalue())}
            await server.client.post("/v1/skillpacks/pack/deployments", files=files)
            body = {"skill": "pack/reach", "inputs": {"port": number}}
            job = (await server.client.post("/v1/jobs?wait=true", json=body)).json()
    assert job["result"] == {"reached": False, "said": "through the helper"}
    assert {layer.name for layer in probe.report(network=False) if layer.active} >= {"network"}


REACH = """
description: Tries to reach a port
entrypoint: main.py:main
input_schema: {type: object, properties: {port: {type: integer}}}
"""
REACHES = """
    import socket
    from puras import drive
    def main(port):
        said = drive.read(drive.write("a.txt", b"through the helper")).decode()
        try:
            socket.create_connection(("127.0.0.1", port), 5)
            return {"reached": True}
        except OSError:
            return {"reached": False, "said": said}
"""


@pytest.fixture
async def bench_of_all(tmp_path: Path) -> AsyncIterator[Bench]:
    runner = await FunctionRunner.open(tmp_path)
    yield Bench(tmp_path, runner)
    await runner.close()


async def test_a_bomb_of_processes_ends_at_a_wall_that_is_not_the_machine_s(
    bench_of_all: Bench,
) -> None:
    before = int(Path("/proc/sys/kernel/pid_max").read_text())
    has_wall = namespaces.counts_its_own_tasks() and probe.namespaces_work()
    code = "def run(): return {'most': int(open('/proc/sys/kernel/pid_max').read())}"
    most = (await bench_of_all.result(code))["most"]
    assert most == (namespaces.MAX_TASKS_TOGETHER if has_wall else before)
    assert int(Path("/proc/sys/kernel/pid_max").read_text()) == before


async def test_where_the_network_can_not_be_cut_a_run_that_must_have_none_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(puras.__path__[0])
    layers = package / "server" / "worker" / "isolation"
    copy = tmp_path / "source"
    shutil.copytree(package, copy / "puras", ignore=shutil.ignore_patterns("static"))
    seccomp = copy / "puras" / layers.relative_to(package) / "seccomp.py"
    seccomp.write_text(seccomp.read_text().replace('"x86_64": _Arch', '"other": _Arch'))
    seccomp.write_text(seccomp.read_text().replace('"aarch64": _Arch', '"others": _Arch'))
    monkeypatch.setattr(puras, "__path__", [str(copy / "puras")])
    home = tmp_path / "home"
    runner = await FunctionRunner.open(home, namespaces=False, network=False)
    bench = Bench(home, runner)
    bench.write("def run(): return {}")
    outcome = await bench.outcome()
    await runner.close()
    assert isinstance(outcome, Failed)
    assert outcome.error_code == "deployment_broken"
    assert "network can't be cut" in outcome.error


NOBODY = 65_534
SERVER_OF_NOBODY = """
    import asyncio, json, os, sys
    from pathlib import Path
    from puras.server.worker.isolation import probe
    from puras.server.worker.process.runner import FunctionRunner
    from puras.server.worker.spec import RunSpec

    probe.namespaces_work = lambda: False

    class Host:
        def emit(self, type, payload, *, public=None): pass
        async def call(self, *_): raise NotImplementedError

    async def main(place, given):
        home = place / "data"
        home.mkdir(mode=0o700)
        for name in ("puras.db", "secrets.key"):
            (home / name).write_text(given["secret"])
        runner = await FunctionRunner.open(home)
        given = {**given, "home": str(home), "pid": os.getpid(), "other": str(home / "runs")}
        spec = RunSpec(
            job_id="1", attempt=1, workspace_id="w", deployment_id="d", skill_name="skill",
            skill_folder="skill", entrypoint="main.py:run", bundle=place / "bundle",
            python=Path(sys.executable), inputs=given, timeout_seconds=60.0,
            memory_bytes=512 << 20,
        )
        outcome = await runner.run(spec, Host())
        await runner.close()
        claims = {layer.name: layer.active for layer in probe.report([home])}
        print(json.dumps({"claims": claims, "found": getattr(outcome, "result", str(outcome))}))

    asyncio.run(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
"""


def what_a_runner_imports() -> Iterator[Path]:
    """Name what is installed of it, with its metadata: nobody may not reach where it lies."""
    code = "import puras.server.worker.process.runner, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()} - {"puras"}
    packages = Path(str(distribution("structlog").locate_file("")))
    for path in packages.iterdir():
        if re.split(r"[.-]", path.name)[0] in roots:
            yield path


@pytest.fixture
def nobody_s_place() -> Iterator[Path]:
    """A folder of a user who is nobody, with Puras and a skill in it."""
    place = Path(tempfile.mkdtemp(prefix="puras-nobody-"))
    place.chmod(0o755)
    (place / "source").mkdir()
    for path in (Path(puras.__path__[0]), *what_a_runner_imports()):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, place / "source" / path.name)
    (place / "bundle" / "skill").mkdir(parents=True)
    (place / "bundle" / "skill" / "main.py").write_text(textwrap.dedent(ATTEMPTS))
    os.chown(place, NOBODY, NOBODY)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/usr/bin/python3"),
    reason="needs root, to become somebody else, and an interpreter that everybody can reach",
)
def test_a_server_that_is_nobody_and_has_no_namespaces_holds_what_the_doctor_claims(
    nobody_s_place: Path,
) -> None:
    name = f"puras-nobody-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        given = {"secret": SECRET, "name": name, "port": port.getsockname()[1], "login": "/none"}
        arguments = [str(nobody_s_place), json.dumps(given)]
        done = subprocess.run(
            ["/usr/bin/python3", "-c", textwrap.dedent(SERVER_OF_NOBODY), *arguments],
            env={"PYTHONPATH": str(nobody_s_place / "source"), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=90,
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    claims, found = said["claims"], said["found"]
    assert SECRET not in json.dumps(found)
    assert not claims["namespaces"]
    assert not claims["user"]
    assert not claims["network"]
    escaped = {what for what, answer in found.items() if not isinstance(answer, int)}
    allowed = set(OPEN_WITH_A_NETWORK)
    if not claims["reach"]:
        allowed |= {*OPEN_WITHOUT_LANDLOCK_6, "speak to an abstract socket"}
    assert claims["landlock"], "this test knows what holds with Landlock only"
    assert claims["seccomp"]
    assert escaped == allowed

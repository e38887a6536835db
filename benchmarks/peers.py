"""Peers to measure beside us: environments that are thrown away, servers on loopback, stopped by
the process that was started.

An environment is made on first use in `benchmarks/.peers` and never meets our own lock file.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_FOLDER = HERE / ".peers"
_QUIET_GRADIO = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


def python_with(*requirements: str) -> Path:
    """Return an interpreter whose environment has these packages and nothing else."""
    name = "-".join("".join(c for c in each if c.isalnum()) for each in requirements)
    folder = _FOLDER / (name or "bare")
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        if requirements:
            pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, *requirements], check=True, stderr=subprocess.DEVNULL)
        (folder / "done").touch()
    return python


def node_with(*requirements: str) -> Path:
    """Return a folder whose `node_modules` have these packages, and the scripts of `js`.

    A requirement may be a folder: its package is packed and installed as it is now.
    """
    folder = _FOLDER / "js"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "js", folder)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm = ["npm", "install", "--silent", "--install-links", "--ignore-scripts"]
    subprocess.run([*npm, *requirements], cwd=folder, check=True)
    return folder


@contextmanager
def running(command: list[str], *, env: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Run a process inside of the block, with a pipe in and one out."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Contestant:
    """A process that calls one side when told to (`contestant.py`)."""

    process: subprocess.Popen[str]

    def latencies(self, count: int) -> list[float]:
        """Return the milliseconds of so many calls, one after the other."""
        answer: list[float] = self._ask({"count": count})
        return answer

    def timings(self, count: int) -> list[dict[str, float]]:
        """Return the milliseconds until the first `event` and the `result` of so many calls."""
        answer: list[dict[str, float]] = self._ask({"count": count})
        return answer

    def rate(self, *, clients: int = 8, seconds: float = 3) -> float:
        """Return how many calls a second so many clients get done together."""
        return float(self._ask({"clients": clients, "seconds": seconds}))

    def _ask(self, what: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{self.process.args} gave up"
        return json.loads(line)


@contextmanager
def contestant(
    python: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[Contestant]:
    """Start a contestant and wait until its first call has worked."""
    with running([str(python), *arguments], env=env) as process:
        one = Contestant(process)
        assert one.answer() == "ready"
        yield one


def ours(*arguments: str) -> Any:
    """Start a contestant of `calls.py`."""
    return contestant(Path(sys.executable), "calls.py", *arguments)


@contextmanager
def echo() -> Iterator[Contestant]:
    """Starlette on uvicorn with nothing to do: the limit of any server like ours."""
    port = free_port()
    uvicorn = ["-m", "uvicorn", "echo_app:app", "--port", str(port), "--log-level", "error"]
    with running([sys.executable, *uvicorn]):
        wait_for(port)
        with ours("echo", f"http://127.0.0.1:{port}") as one:
            yield one


@contextmanager
def gradio() -> Iterator[Contestant]:
    """A Gradio app with its queue, called by its client."""
    python = python_with("gradio")
    with (
        gradio_app() as url,
        contestant(python, "peer_gradio.py", "call", url, env=_QUIET_GRADIO) as one,
    ):
        yield one


@contextmanager
def gradio_app() -> Iterator[str]:
    """A Gradio app with its queue; gives its URL."""
    python = python_with("gradio")
    with running([str(python), "peer_gradio.py", "serve"], env=_QUIET_GRADIO) as server:
        yield server.stdout.readline().strip()


@contextmanager
def queue_services(folder: Path) -> Iterator[str]:
    """A loopback server that speaks as fal and Replicate do; gives its URL."""
    with running(["node", str(folder / "queue_server.mjs")]) as server:
        yield server.stdout.readline().strip()


def in_node(folder: Path, side: str, *arguments: str) -> Any:
    """Start a contestant of `js/sides.mjs`."""
    return contestant(Path("node"), str(folder / "contestant.mjs"), side, *arguments)


@contextmanager
def celery() -> Iterator[Contestant]:
    """A Celery worker with eight processes, on a Redis of its own."""
    python, port = python_with("celery[redis]"), free_port()
    env = {"PEER_REDIS": f"redis://127.0.0.1:{port}/0"}
    redis = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    worker = ["-m", "celery", "-A", "peer_celery", "worker", "-c", "8", "--without-mingle"]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(running([*redis, "--dir", folder]))
        wait_for(port)
        stack.enter_context(running([str(python), *worker], env=env))
        yield stack.enter_context(contestant(python, "peer_celery.py", env=env))


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    while True:
        with socket.socket() as attempt:
            attempt.settimeout(0.05)
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return

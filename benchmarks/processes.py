"""Processes of a comparison: started on loopback, asked, and stopped with all that they started."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from environments import HERE

_START_SECONDS = 60.0
_ANSWER_SECONDS = 120.0
_STOP_SECONDS = 10.0
_WHY_CHARACTERS = 160


class GaveUp(Exception):
    """A process ended, or did not do in time what it was started for."""


@dataclass(frozen=True)
class Process:
    """A process, and the file that its errors go to."""

    popen: subprocess.Popen[str]
    said: IO[str]

    def tell(self, line: str) -> None:
        assert self.popen.stdin is not None
        with suppress(BrokenPipeError):  # the answer that will be missing tells of it
            self.popen.stdin.write(line + "\n")
            self.popen.stdin.flush()

    def hear(self) -> str:
        """Return the next line that it says. Raises GaveUp where that takes too long."""
        assert self.popen.stdout is not None
        ready, _, _ = select.select([self.popen.stdout], [], [], _ANSWER_SECONDS)
        if not ready:
            raise self.gave_up(f"no answer within {_ANSWER_SECONDS:.0f} s")
        line = self.popen.stdout.readline()
        if not line:
            raise self.gave_up("ended without an answer")
        return line.strip()

    def listens(self, port: int) -> None:
        """Wait until it does. Raises GaveUp where that takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while self.popen.poll() is None and time.monotonic() < deadline:
            with socket.socket() as attempt:
                attempt.settimeout(0.05)
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        ended = self.popen.poll() is not None
        raise self.gave_up("ended" if ended else f"did not listen within {_START_SECONDS:.0f} s")

    def gave_up(self, what: str) -> GaveUp:
        """Make the error of that, with the last line that the process said."""
        file = self.said.fileno()  # its position is the process's own
        end = os.pread(file, 4000, max(0, os.fstat(file).st_size - 4000))
        lines = end.decode("utf-8", "replace").strip().splitlines()
        return GaveUp("; ".join([what, *lines[-1:]])[:_WHY_CHARACTERS])


def end_when_told() -> None:
    """Let SIGTERM end this process as Ctrl-C does, so that it stops what it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def running(
    command: list[str], *, env: Mapping[str, str] | None = None, cwd: Path = HERE
) -> Iterator[Process]:
    """Run a process inside of the block, with a pipe in and one out."""
    with (
        tempfile.TemporaryFile("w+") as said,
        _started(command, env=env, cwd=cwd, out=subprocess.PIPE, said=said) as process,
    ):
        yield process


@contextmanager
def listening(
    command: list[str], port: int, *, env: Mapping[str, str] | None = None, cwd: Path = HERE
) -> Iterator[None]:
    """Run a server inside of the block, from when it listens. Raises GaveUp where it does not."""
    with (
        tempfile.TemporaryFile("w+") as said,
        _started(command, env=env, cwd=cwd, out=said, said=said) as process,
    ):
        process.listens(port)
        yield


@contextmanager
def _started(
    command: list[str],
    *,
    env: Mapping[str, str] | None,
    cwd: Path,
    out: IO[str] | int,
    said: IO[str],
) -> Iterator[Process]:
    popen = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=said,
        text=True,
        start_new_session=True,
    )
    try:
        yield Process(popen, said)
    finally:
        popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            popen.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):  # all that it started is in its group
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def until_answered(port: int, path: str, body: Any = None, *, has: str) -> None:
    """Ask a server, with a body or without, until its answer has that. Raises GaveUp."""
    deadline, said = time.monotonic() + _START_SECONDS, ""
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            said = _answer(port, path, body)
            if has in said:
                return
        time.sleep(0.05)
    raise GaveUp(f"{path} answers {said!r}"[:_WHY_CHARACTERS])


def _answer(port: int, path: str, body: Any) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    with closing(connection):
        if body is None:
            connection.request("GET", path)
        else:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
        return connection.getresponse().read().decode()

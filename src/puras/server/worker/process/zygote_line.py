"""The worker's end of one zygote: starting it, telling it what to fork and to kill, hearing what
ended, and ending it.

`zygote` tells what happens at the other end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from puras.server.worker.isolation.layers import Policy
from puras.server.worker.process import confined, processes
from puras.server.worker.process.outcomes import Exit
from puras.server.worker.process.run_process import RunProcess, send
from puras.server.worker.spec import RunSpec

_START_SECONDS = 30.0
_KILL_SECONDS = 1.0
_END_SECONDS = 2.0
_CONTROL_BYTES = 64 * 1024
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
)
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from puras.server.worker.process.zygote import main\n"
    "main(*map(int, sys.argv[2:]))"
)


class ZygoteBroken(Exception):
    """No zygote can be started for this deployment; the text says why."""


class ZygoteGone(Exception):
    """The zygote ended while it was needed; the text says how. Another one may live."""


class ZygoteLine:
    """One zygote, as it is seen from here. `gone` is done when it has ended; `on_import` is told
    the path of each module that it has imported ahead."""

    def __init__(self, popen: subprocess.Popen[bytes], *, on_import: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = loop.create_future()
        self._popen = popen
        self._on_import = on_import
        self._ready: asyncio.Future[None] = loop.create_future()
        self._processes: dict[int, RunProcess] = {}
        self._ending: asyncio.Task[None] | None = None
        self._control: socket.socket

    @property
    def pid(self) -> int:
        return self._popen.pid

    @classmethod
    async def open(
        cls, spec: RunSpec, *, policy: Policy, mark: str, on_import: Callable[[str], None]
    ) -> ZygoteLine:
        """Start a zygote and wait until it is isolated. Raises ZygoteBroken, ZygoteGone."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            popen = _popen(spec, policy=policy, control=theirs, mark=mark)
        line = cls(popen, on_import=on_import)
        await line._connect(ours)
        return line

    async def fork(self, process: RunProcess, *, channel: socket.socket) -> None:
        """Have a process forked, which gets the other end of its channel. Raises ZygoteGone."""
        self._processes[process.number] = process
        await self._order(process.order(), descriptors=[channel.fileno()])

    async def kill(self, process: RunProcess) -> None:
        """Kill a process and all below it, and return when they are dead."""
        if process.exited.done():
            return
        try:
            await self._order({"kill": process.number})
        except ZygoteGone:
            return
        await asyncio.wait((process.exited,), timeout=_KILL_SECONDS)
        if not process.exited.done():
            await self.end()

    async def end(self) -> None:
        """Kill every process of this zygote, and itself, and return when they are dead."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        self._close()
        try:
            await asyncio.to_thread(self._popen.wait, _END_SECONDS)
        except subprocess.TimeoutExpired:
            processes.kill_family(self._popen.pid)
            await asyncio.to_thread(self._popen.wait)
        if self._popen.stderr is not None:
            self._popen.stderr.close()

    async def _connect(self, control: socket.socket) -> None:
        self._control = control
        asyncio.get_running_loop().add_reader(control, self._listen)
        try:
            await asyncio.wait(
                (self._ready, self.gone),
                timeout=_START_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not self._ready.done():
                raise await asyncio.to_thread(_why_not_ready, self._popen, self.gone.done())
        except BaseException:
            await self.end()
            raise

    async def _order(
        self, order: Mapping[str, Any], *, descriptors: list[int] | None = None
    ) -> None:
        if self.gone.done():
            raise _gone()
        try:
            await send(self._control, json.dumps(order).encode(), descriptors=descriptors or [])
        except OSError:
            self._close()
            raise _gone() from None

    def _listen(self) -> None:
        try:
            data = self._control.recv(_CONTROL_BYTES)
            message = json.loads(data) if data else {}
        except BlockingIOError:
            return
        except (OSError, ValueError):
            message = {}
        if not message:
            self._close()
        elif "exited" in message:
            self._note_exit(message)
        elif "imported" in message:
            self._on_import(message["imported"])
        elif not self._ready.done():
            self._ready.set_result(None)

    def _note_exit(self, message: Mapping[str, Any]) -> None:
        process = self._processes.pop(message["exited"], None)
        if process is not None:
            process.exited.set_result(Exit(message["status"], message["why"]))

    def _close(self) -> None:
        if self.gone.done():
            return
        self.gone.set_result(None)
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        for process in self._processes.values():
            process.exited.set_result(Exit(None))
        self._processes.clear()


def _popen(
    spec: RunSpec, *, policy: Policy, control: socket.socket, mark: str
) -> subprocess.Popen[bytes]:
    """Start the interpreter. Secrets are no part of its environment: the dynamic linker obeys some
    variables, and the process is not isolated yet; the zygote sets them once it is. They pass
    through memory: not through a file on disk, and not through arguments, which all can read."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment.setdefault("LANG", "C.UTF-8")
    with os.fdopen(os.memfd_create("puras-start"), "wb") as start:
        secrets = dict(spec.environment)
        start.write(json.dumps({"policy": asdict(policy), "environment": secrets}).encode())
        start.flush()
        start.seek(0)
        numbers = (control.fileno(), start.fileno())
        program = (str(spec.python), "-I", "-X", "utf8", "-c", _BOOT)
        return subprocess.Popen(
            confined.command_line(policy, [*program, policy.runtime, *map(str, numbers)]),
            env={**environment, processes.MARK: mark},
            pass_fds=numbers,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )


def _gone() -> ZygoteGone:
    return ZygoteGone("the run's warm parent ended before the run could start")


def _why_not_ready(popen: subprocess.Popen[bytes], ended: bool) -> ZygoteBroken | ZygoteGone:
    """Who has no time to start, or was killed from outside, says nothing about the deployment."""
    try:
        _, said = popen.communicate(timeout=_END_SECONDS if ended else 0)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.communicate()
        return ZygoteGone(f"the interpreter was not ready within {_START_SECONDS:g} s")
    if popen.returncode == -signal.SIGKILL:
        return ZygoteGone("the interpreter was killed while it started")
    return ZygoteBroken(f"the interpreter could not start: {_last_line(said)}")


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"

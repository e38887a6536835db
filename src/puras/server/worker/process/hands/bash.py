"""Runs one command of an agent: watched, timed, its output bounded.

The command gets a view of its own (Landlock) below that of the hands: it writes to the working
directory, its home and its temporary folder, and can look into no process that holds a secret or
the run's token. What it started ends with it.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from typing import IO, Any

from puras.server.worker.isolation import landlock
from puras.server.worker.process import processes
from puras.server.worker.process.hands.place import Place
from puras.server.worker.process.masking import Masker

MAX_SHOWN_CHARACTERS = 30_000
MAX_KEPT_BYTES = 10 * 1024 * 1024
OUTPUTS = ".outputs"
"""The folder for outputs that are too long to be shown, in the working directory."""

_CHUNK_BYTES = 64 * 1024
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/shm")


def run(order: dict[str, Any], place: Place) -> dict[str, Any]:
    """`{id, command, seconds}` → its exit code and output, as a text for the model."""
    deadline = time.monotonic() + float(order["seconds"])
    process = subprocess.Popen(
        [shutil.which("bash") or "/bin/sh", "-c", str(order["command"])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=place.work,
        env=environment(place),
        start_new_session=True,
        preexec_fn=lambda: _narrow(place),
    )
    output = _Output()
    ended = _listen(process, output, deadline)
    _end_all(process)
    code = process.wait()
    text = _shown(output, place, str(order["id"]))
    return {"ok": ended and code == 0, "text": f"{_ending(code, ended, order)}\n{text}".rstrip()}


def environment(place: Place) -> dict[str, str]:
    """Return what a command finds in its environment: no secret that is not meant for it, and
    nothing that leads to the run's socket."""
    hidden = set(place.secrets) - set(place.shown) | {"PURAS_SOCKET", "PURAS_JOB_TOKEN"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    path = os.pathsep.join((os.path.dirname(sys.executable), kept.get("PATH", os.defpath)))
    return {**kept, "PATH": path, "PYTHONPATH": place.bundle, "SKILL_DIR": place.skill}


class _Output:
    """What a command printed: the first bytes are kept, all are counted."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.size = 0

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self.kept += data[: max(0, MAX_KEPT_BYTES - len(self.kept))]


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """Kill the command and what it left behind, which is a child of this process by now."""
    processes.kill_family(process.pid)
    for pid in processes.children(os.getpid()):
        processes.kill_family(pid)


def _narrow(place: Place) -> None:
    folder = os.path.dirname(place.work)
    own = (place.work, os.path.join(folder, "home"), os.path.join(folder, "tmp"))
    landlock.restrict(landlock.View(("/",), (*own, *_DEVICES)))


def _listen(process: subprocess.Popen[bytes], output: _Output, deadline: float) -> bool:
    """Read until the command itself has ended; False where its time was over before."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    with selectors.DefaultSelector() as selector:
        ended = os.pidfd_open(process.pid)
        selector.register(ended, selectors.EVENT_READ)
        selector.register(process.stdout, selectors.EVENT_READ)
        try:
            while (left := deadline - time.monotonic()) > 0:
                ready = {key.fd for key, _ in selector.select(left)}
                if process.stdout.fileno() in ready and not _read(process.stdout, output):
                    selector.unregister(process.stdout)
                if ended in ready:
                    _read_rest(process.stdout, output)
                    return True
            return False
        finally:
            os.close(ended)


def _read(stream: IO[bytes], output: _Output) -> bool:
    """Read what is there; False at the end of it."""
    try:
        data = os.read(stream.fileno(), _CHUNK_BYTES)
    except BlockingIOError:
        return True
    output.add(data)
    return bool(data)


def _read_rest(stream: IO[bytes], output: _Output) -> None:
    """Read what the command left in the pipe: what it started may still hold the other end."""
    for _ in range(256):
        before = output.size
        _read(stream, output)
        if output.size == before:
            return


def _ending(code: int, ended: bool, order: dict[str, Any]) -> str:
    if not ended:
        return f"[stopped after {order['seconds']:g} s: raise `timeout_seconds`, or do it in parts]"
    if code < 0:
        return f"[ended by {signal.Signals(-code).name}]"
    return f"[exit code {code}]"


def _shown(output: _Output, place: Place, number: str) -> str:
    masker = Masker(os.environ[name] for name in place.secrets if name in os.environ)
    text = masker.text(bytes(output.kept).decode("utf-8", "replace"))
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    note = f"[… {len(text) - MAX_SHOWN_CHARACTERS:,} characters cut, "
    if output.size > len(output.kept):
        note = f"[… cut: of {output.size:,} bytes the first {len(output.kept):,} were kept, "
    note += f"all of them are in {_keep(text, place, number)} …]"
    half = MAX_SHOWN_CHARACTERS // 2
    return f"{text[:half]}\n{note}\n{text[-half:]}"


def _keep(text: str, place: Place, number: str) -> str:
    folder = os.path.join(place.work, OUTPUTS)
    os.makedirs(folder, exist_ok=True)
    name = f"{OUTPUTS}/{time.time_ns():x}-{number}.txt"
    with open(os.path.join(place.work, name), "x", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return name

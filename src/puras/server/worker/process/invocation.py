"""One process that runs a skill's function: forked from the warm parent, told what to do over its
channel.

A request comes with two descriptors, which become stdout and stderr; the reply goes back over the
channel, so nothing that the skill prints, closes or writes can touch it. A fresh process serves one
request and ends without running the interpreter's exit handlers; a warm one serves until its
channel is closed, or until a run leaves something behind. Standard library only.
"""

from __future__ import annotations

import gc
import io
import json
import os
import re
import socket
import sys
import time
import traceback
from types import TracebackType
from typing import Any, NoReturn

from puras.errors import UserError
from puras.server.worker.process import frames, processes
from puras.server.worker.process.masking import Masker
from puras.server.worker.process.skill_modules import Entry, NoSuchFunction, SkillModules

MAX_REPLY_BYTES = 10 * 1024 * 1024
_MAX_MESSAGE_CHARACTERS = 1000
_MAX_TRACEBACK_CHARACTERS = 7000
_SURROGATE = re.compile("[\ud800-\udfff]")
_SETTLE_SECONDS = 0.02

Reply = dict[str, Any]


def serve(
    channel: socket.socket, entry: Entry, modules: SkillModules, *, once: bool, masker: Masker
) -> NoReturn:
    """Run request after request until the channel closes; with `once`, a single one."""
    surroundings = dict(os.environ)
    function = None
    while (message := frames.receive(channel, descriptors=2)) is not None:
        request, (stdout, stderr) = message
        _surround(request, surroundings)
        with _Output(stdout, stderr):
            tasks = _tasks()
            try:
                if function is None:
                    function = modules.function(entry)
                    tasks = _tasks()
                reply = encodable({"result": call(function, request["inputs"])})
            except BaseException as error:
                reply = failure(error, entry, masker)
        reply["retire"] = once or reply.get("code") == "out_of_memory" or _left_behind(tasks)
        channel.sendall(frames.encode(reply))
        if reply["retire"]:
            break
        os.chdir("/")
        gc.collect()
    os._exit(0)


def call(function: Any, inputs: dict[str, Any]) -> Any:
    """Call a function with its inputs by name, and await what has to be awaited."""
    value = function(**inputs)
    if hasattr(value, "__await__"):
        import asyncio

        return asyncio.run(_awaited(value))
    return value


async def _awaited(value: Any) -> Any:
    return await value


def _surround(request: dict[str, Any], surroundings: dict[str, str]) -> None:
    """Give the run its own environment, folder, temporary folder and random numbers."""
    os.environ.clear()
    os.environ.update({**surroundings, **request["environment"]})
    os.chdir(request["folder"])
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


class _Output:
    """stdout and stderr of one run. Closing `sys.stdout` flushes it; printing goes on."""

    def __init__(self, stdout: int, stderr: int) -> None:
        self._descriptors = (stdout, stderr)

    def __enter__(self) -> None:
        self._streams = [_Stream(descriptor) for descriptor in self._descriptors]
        sys.stdout, sys.stderr = self._streams
        for descriptor, number in zip(self._descriptors, (1, 2), strict=True):
            os.dup2(descriptor, number)

    def __exit__(self, *_: object) -> None:
        for stream, descriptor in zip(self._streams, self._descriptors, strict=True):
            stream.close()
            stream.detach_for_good()
            os.close(descriptor)
        silence()


class _Stream(io.TextIOWrapper):
    def __init__(self, descriptor: int) -> None:
        raw = io.FileIO(descriptor, "w", closefd=False)
        super().__init__(
            io.BufferedWriter(raw), encoding="utf-8", errors="surrogatepass", line_buffering=True
        )

    def close(self) -> None:
        try:
            self.flush()
        except (OSError, ValueError):
            pass

    def detach_for_good(self) -> None:
        """Make later writes, of a thread that was left behind, fail instead of going astray."""
        try:
            self.detach()
        except (OSError, ValueError):
            pass


def silence() -> None:
    """Point stdin, stdout and stderr at nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    if nothing > 2:
        os.close(nothing)


def encodable(reply: Reply) -> Reply:
    """Check that a result is JSON, and small enough; lone surrogates become U+FFFD."""
    try:
        text = json.dumps(reply["result"], allow_nan=False, ensure_ascii=False)
    except RecursionError:
        return _invalid("the result is nested too deeply")
    except (TypeError, ValueError) as error:
        return _invalid(f"the result is no JSON: {error}")
    clean = _SURROGATE.sub("\ufffd", text)
    size = len(clean.encode())
    if size > MAX_REPLY_BYTES:
        return _invalid(
            f"the result has {size:,} bytes and may have {MAX_REPLY_BYTES:,}: "
            "write large values to the drive and return their paths"
        )
    return {"result": json.loads(clean)}


def _invalid(sentence: str) -> Reply:
    return {"code": "output_invalid", "error": sentence, "public_error": sentence}


def failure(error: BaseException, entry: Entry, masker: Masker) -> Reply:
    """Return what is told of an error: a sentence, and its traceback through the bundle's code."""
    message = _message(error, masker)
    if isinstance(error, UserError):
        return {"code": "function_error", "error": message, "public_error": message}
    if isinstance(error, MemoryError):
        sentence = "the function needed more memory than a run may have"
        return {"code": "out_of_memory", "error": sentence, "public_error": sentence}
    if isinstance(error, NoSuchFunction):
        return {"code": "function_error", "error": message}
    if isinstance(error, SystemExit):
        return {
            "code": "function_error",
            "error": f"the function called sys.exit({message}) instead of returning",
        }
    own = _own_frames(error.__traceback__, entry)
    named = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return {
        "code": "function_error",
        "error": f"{named}{_place(error, own, entry)}",
        "traceback": _traceback(error, own, masker),
    }


def _message(error: BaseException, masker: Masker) -> str:
    try:
        text = str(error)
    except Exception:
        text = "(its text can't be shown)"
    line = " ".join(_SURROGATE.sub("\ufffd", masker.text(text)).split())
    if len(line) > _MAX_MESSAGE_CHARACTERS:
        return f"{line[:_MAX_MESSAGE_CHARACTERS]}…"
    return line


def _own_frames(trace: TracebackType | None, entry: Entry) -> TracebackType | None:
    """Skip the frames before the bundle's first one: ours, and the event loop's."""
    first = trace
    while first is not None and not _in_bundle(first, entry):
        first = first.tb_next
    return first


def _in_bundle(trace: TracebackType, entry: Entry) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(os.path.join(entry.bundle, ""))


def _place(error: BaseException, trace: TracebackType | None, entry: Entry) -> str:
    """Name the last line of the bundle's own code that the error went through."""
    file, line = "", 0
    while trace is not None:
        if _in_bundle(trace, entry):
            file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno or 0
    return f" ({os.path.relpath(file, entry.folder)}:{line})" if file else ""


def _traceback(error: BaseException, own: TracebackType | None, masker: Masker) -> str:
    try:
        text = "".join(traceback.format_exception(type(error), error, own))
    except Exception:
        return "(the traceback can't be shown)"
    clean = _SURROGATE.sub("\ufffd", masker.text(text)).rstrip()
    if len(clean) <= _MAX_TRACEBACK_CHARACTERS:
        return clean
    half = _MAX_TRACEBACK_CHARACTERS // 2
    return f"{clean[:half]}\n[… cut …]\n{clean[-half:]}"


def _tasks() -> int:
    return len(os.listdir("/proc/self/task"))


def _left_behind(tasks_before: int) -> bool:
    """Tell whether a run left threads or children; threads that are ending get a moment."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while _tasks() > tasks_before and time.monotonic() < deadline:
        time.sleep(0.001)
    return _tasks() > tasks_before or bool(processes.children(os.getpid()))

"""The line from a running skill to its worker: what `drive`, `subagent` and the others speak over.

Requests and answers are JSON, one a line, on the Unix socket that `PURAS_SOCKET` names. Each
thread has a connection of its own, so calls of several threads run side by side; a fork, or the
next run in a warm process, opens new ones. Files pass by name, through the run's folder. Standard
library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from puras.errors import CODES, PurasConnectionError, PurasError, api_error_class


class Connection(NamedTuple):
    """`owner` tells whether it may still be used: process, socket and token of its making."""

    owner: tuple[int, str, str]
    socket: socket.socket
    lines: BinaryIO


class Recorded(NamedTuple):
    """A call that is kept across attempts: SHA-256 of its canonical arguments, and the
    how-many-eth of its kind in this run it is."""

    verb: str
    arguments: str
    occurrence: int


_local = threading.local()
_span: ContextVar[str | None] = ContextVar("puras_span", default=None)
_counting = threading.Lock()
_counts: Counter[tuple[str, str]] = Counter()
_counts_token = ""
_scope = ""


def call(verb: str, /, **arguments: Any) -> Any:
    """Ask the worker, and wait for its answer.

    Raises:
        PurasError: this is no run, or an argument is no JSON.
        PurasAPIError: the worker refused; the class is that of the code.
        PurasConnectionError: the worker is gone.
    """
    connection = _connection()
    return _value(_exchange(connection, _line(connection, verb, arguments)))


def open_connection() -> Connection:
    """Open a connection for one who asks now and reads later: see `ask` and `answer`."""
    return _connect(_surroundings())


def ask(connection: Connection, verb: str, /, **arguments: Any) -> None:
    """Send a request over a connection of one's own, and do not wait for its answer."""
    connection.socket.sendall(_line(connection, verb, arguments))


def answer(connection: Connection) -> Any:
    """Read the answer to what was asked last. Raises as `call`."""
    line = connection.lines.readline()
    if not line.endswith(b"\n"):
        raise PurasConnectionError("the worker of this run hung up")
    return _value(json.loads(line))


@contextmanager
def span(name: str) -> Iterator[None]:
    """Time what happens inside; what begins there hangs below it, in the job's spans."""
    opened = call("span.open", name=name, parent=current_span())["span"]
    before = _span.set(opened)
    failed = True
    try:
        yield
        failed = False
    finally:
        _span.reset(before)
        call("span.close", span=opened, failed=failed)


def current_span() -> str | None:
    """Return the span that this code runs in; None outside of every step."""
    return _span.get()


def run_folder() -> Path:
    """Return the folder that files pass through; the run's own working directory lies in it."""
    return Path(_surroundings()[1]).parent


def new_file_name() -> str:
    """Return a name under which the worker takes a file out of the run's folder."""
    return f"call-{secrets.token_hex(8)}"


def count(verb: str, arguments: dict[str, Any]) -> Recorded:
    """Number a call among those of this run with the same verb and arguments: 1, 2, 3 …"""
    global _counts_token
    _, _, token = _surroundings()
    try:
        canonical = json.dumps(arguments, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PurasError(f"the arguments of `{verb}` are no JSON: {error}") from None
    digest = hashlib.sha256((_scope + canonical).encode()).hexdigest()
    with _counting:
        if token != _counts_token:
            _counts.clear()
            _counts_token = token
        _counts[verb, digest] += 1
        return Recorded(verb, digest, _counts[verb, digest])


def count_within(scope: str) -> None:
    """Number this process's calls from here on apart from those of other scopes.

    An agent's tools are processes of one run: the first call in each would be the first of all.
    """
    global _scope
    _scope = f"{scope}\0"


def variable(name: str) -> str:
    """Return a variable of the run. Raises PurasError outside of one."""
    try:
        return os.environ[name]
    except KeyError:
        raise PurasError(
            "this works only while Puras runs the skill: deploy it and `puras run` it"
        ) from None


def _surroundings() -> tuple[int, str, str]:
    return os.getpid(), variable("PURAS_SOCKET"), variable("PURAS_JOB_TOKEN")


def _connection() -> Connection:
    owner = _surroundings()
    connection: Connection | None = getattr(_local, "connection", None)
    if connection is None or connection.owner != owner:
        connection = _local.connection = _connect(owner)
    return connection


def _connect(owner: tuple[int, str, str]) -> Connection:
    _, path, _ = owner
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.connect(path)
    except OSError as error:
        opened.close()
        raise PurasConnectionError(f"the worker of this run is gone: {error.strerror}") from None
    return Connection(owner, opened, opened.makefile("rb"))


def _line(connection: Connection, verb: str, arguments: dict[str, Any]) -> bytes:
    number = secrets.randbits(48)
    _, _, token = connection.owner
    request = {"id": number, "token": token, "verb": verb, "args": arguments}
    try:
        return json.dumps(request, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise PurasError(f"the arguments of `{verb}` are no JSON: {error}") from None


def _exchange(connection: Connection, line: bytes) -> dict[str, Any]:
    try:
        connection.socket.sendall(line)
        answer = connection.lines.readline()
    except BaseException:
        _hang_up(connection)
        raise
    if not answer.endswith(b"\n"):
        _hang_up(connection)
        raise PurasConnectionError("the worker of this run hung up")
    return dict(json.loads(answer))


def _hang_up(connection: Connection) -> None:
    """Forget a connection on which an answer may still come, that nobody will read."""
    _local.connection = None
    connection.lines.close()
    connection.socket.close()


def _value(answer: dict[str, Any]) -> Any:
    if answer["ok"]:
        return answer.get("value")
    code, detail = answer["error"]["code"], answer["error"]["detail"]
    status = CODES[code].status if code in CODES else 500
    raise api_error_class(status)(status, detail, code)

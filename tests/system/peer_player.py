"""Plays `contract/fixtures/peer/session.json` as a plain client would, with sockets alone.

The format of a session, and the language of its shapes, are told in the README beside it.
"""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

SESSION: Final = Path(__file__).parents[2] / "contract/fixtures/peer/session.json"
_BOUNDARY: Final = "a-plain-client-wrote-this"
_ANSWER_SECONDS: Final = 90
_LOOP_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "flag": lambda value: isinstance(value, bool),
    "whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str) and value != "",
    "uuid": lambda value: isinstance(value, str) and _UUID.fullmatch(value) is not None,
    "time": lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None,
    "url": lambda value: isinstance(value, str) and value.startswith(("http://", "https://")),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Player:
    """Plays exchanges against a server. `kept` is what `$name` stands for."""

    base: str
    kept: dict[str, Any]
    shapes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # One connection for all: an answer that left something of its request unread would show.
        here = urlsplit(self.base)
        self._connection = HTTPConnection(here.hostname or "", here.port, timeout=_ANSWER_SECONDS)

    def close(self) -> None:
        self._connection.close()

    def play(self, exchange: Mapping[str, Any]) -> None:
        """Make a request, demand the answer, and keep what is to be kept of it.

        Raises:
            AssertionError: the answer is another one.
        """
        answer = self._ask(exchange["request"])
        deadline = time.monotonic() + _LOOP_SECONDS
        while "until" in exchange and any(self.faults(exchange["until"], _json(answer))):
            if time.monotonic() > deadline:
                raise AssertionError(f"{exchange['name']}: it never came to that: {answer.body!r}")
            time.sleep(_POLL_SECONDS)
            answer = self._ask(exchange["request"])
        if faults := list(self._answer_faults(exchange["response"], answer)):
            raise AssertionError("\n  ".join([exchange["name"], *faults]))
        for name, place in exchange.get("keep", {}).items():
            self.kept[name] = _at(place, _json(answer))

    def faults(self, shape: Any, value: Any, place: str = "$") -> Iterator[str]:
        """Yield what keeps a value from having a shape."""
        if isinstance(shape, dict):
            yield from self._object_faults(shape, value, place)
        elif isinstance(shape, list):
            yield from self._list_faults(shape, value, place)
        elif isinstance(shape, str) and shape.startswith("<"):
            words = shape.strip("<>").split("|")
            if not any(_KINDS[word](value) if word in _KINDS else value == word for word in words):
                yield f"{place} is no {shape}: {value!r}"
        elif (wanted := self._filled(shape)) != value or type(wanted) is not type(value):
            yield f"{place} is not {wanted!r}: {value!r}"

    def _object_faults(self, shape: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{place} is no object: {value!r}"
            return
        fields = {**self.shapes.get(shape.get("is", ""), {}), **shape}
        fields.pop("is", None)
        for name, wanted in fields.items():
            if name not in value:
                yield f"{place} has no `{name}`: {value!r}"
            else:
                yield from self.faults(wanted, value[name], f"{place}.{name}")

    def _list_faults(self, shape: list[Any], value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{place} is no list: {value!r}"
            return
        each = shape[:1] * len(value) if shape[1:] == ["..."] else shape
        if len(each) != len(value) or (shape and not value):
            yield f"{place} has {len(value)} entries: {value!r}"
            return
        for index, (wanted, member) in enumerate(zip(each, value, strict=True)):
            yield from self.faults(wanted, member, f"{place}[{index}]")

    def _ask(self, request: Mapping[str, Any]) -> Answer:
        body, headers = self._body(request)
        headers |= self._filled(request.get("headers", {}))
        path = self._filled(request["path"]).removeprefix(self.base)
        self._connection.putrequest(request["method"], path, skip_accept_encoding=True)
        for name, text in headers.items():
            self._connection.putheader(name, text)
        self._connection.endheaders(body)
        response = self._connection.getresponse()
        told = {name.lower(): text for name, text in response.getheaders()}
        # A stream ends with its job, so reading all of it waits for that.
        return Answer(response.status, told, response.read())

    def _body(self, request: Mapping[str, Any]) -> tuple[bytes | None, dict[str, str]]:
        """Return a request's body, and the headers that a client must send with it."""
        kind = "application/json"
        if "multipart" in request:
            kind, body = f"multipart/form-data; boundary={_BOUNDARY}", _form(request["multipart"])
        elif "json" in request:
            body = json.dumps(self._filled(request["json"])).encode()
        elif "text" in request:
            body = request["text"].encode()
        else:
            return None, {"Content-Length": "0"} if request["method"] == "POST" else {}
        return body, {"Content-Type": kind, "Content-Length": str(len(body))}

    def _answer_faults(self, wanted: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        if answer.status != wanted["status"]:
            yield f"status {answer.status}: {answer.body!r}"
            return
        yield from self.faults(wanted.get("headers", {}), answer.headers, "headers")
        if "json" in wanted:
            yield from self.faults("application/json", answer.headers["content-type"], "type")
            yield from self.faults(wanted["json"], _json(answer))
        elif "stream" in wanted:
            yield from self.faults(wanted["stream"], list(_messages(answer.body)))
        elif not answer.body.startswith(wanted.get("begins", "").encode()):
            yield f"the body does not begin like that: {answer.body[:200]!r}"
        elif "begins" not in wanted and answer.body:
            yield f"there is a body: {answer.body[:200]!r}"

    def _filled(self, value: Any) -> Any:
        """Put what was kept in the place of `$name`, wherever it stands in a value."""
        if isinstance(value, str):
            return re.sub(r"\$(\w+)", lambda found: str(self.kept[found[1]]), value)
        if isinstance(value, dict):
            return {name: self._filled(member) for name, member in value.items()}
        return value


def _json(answer: Answer) -> Any:
    return json.loads(answer.body)


def _at(place: str, value: Any) -> Any:
    for step in filter(None, place.split(".")):
        value = value[int(step) if isinstance(value, list) else step]
    return value


def _messages(stream: bytes) -> Iterator[dict[str, Any]]:
    """Yield the blocks of an event stream that are no mere comments; `data` is read as JSON."""
    for block in stream.decode().split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        if "data" in fields:
            yield {**fields, "data": json.loads(fields["data"])}


def _form(fields: Mapping[str, Any]) -> bytes:
    body = b""
    for name, value in fields.items():
        is_file = isinstance(value, dict)
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        head += '; filename="bundle.zip"\r\nContent-Type: application/zip' if is_file else ""
        body += head.encode() + b"\r\n\r\n" + (_zip(value) if is_file else value.encode()) + b"\r\n"
    return body + f"--{_BOUNDARY}--\r\n".encode()


def _zip(files: Mapping[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name, text in files.items():
            written.writestr(name, text)
    return archive.getvalue()

"""Server-sent events: bytes in, events out, whatever the places where the network cuts them.

Lines end at CR, LF or CRLF and nowhere else. They are split as bytes, which no UTF-8 sequence can
be mistaken for, so U+2028 inside of JSON stays data and a character cut in two arrives whole. An
event counts only once its empty line came: what a broken stream leaves unfinished is not yielded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from puras.errors import StreamLineTooLongError

MAX_LINE_BYTES = 4 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """`event` is `message` unless the stream named it; `id` is the last id seen, or empty."""

    event: str
    data: str
    id: str


class Decoder:
    """Decodes one response body. Feed it chunks in order; make a new one for each connection."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._unfinished = bytearray()
        self._skip_line_feed = False
        self._at_start = True
        self._event = ""
        self._data: list[str] = []
        self._data_bytes = 0
        self._last_id = ""

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that this chunk completes.

        Raises:
            StreamLineTooLongError: a line, or the data of one event, is over the limit.
        """
        for line in self._lines(chunk):
            event = self._read(line)
            if event is not None:
                yield event

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        if not chunk:
            return
        if self._skip_line_feed and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._skip_line_feed = chunk.endswith(b"\r")
        *ended, rest = _LINE_END.split(chunk)
        for end in ended:
            yield self._finish(end)
        self._unfinished += rest
        self._check(len(self._unfinished))

    def _finish(self, end: bytes) -> bytes:
        line = bytes(self._unfinished + end) if self._unfinished else end
        self._unfinished.clear()
        self._check(len(line))
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        return line

    def _check(self, size: int) -> None:
        if size > self._max_line_bytes:
            raise StreamLineTooLongError(
                f"the event stream sent a line over {self._max_line_bytes} bytes: "
                "read this job's events with transport='poll'"
            )

    def _read(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        self._set(name, value.removeprefix(" "))
        return None

    def _set(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
            self._data_bytes += len(value)
            self._check(self._data_bytes)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._last_id = value

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event or "message", self._data
        self._event, self._data, self._data_bytes = "", [], 0
        if not data:
            return None
        return ServerSentEvent(event, "\n".join(data), self._last_id)

"""A server on loopback that speaks as fal, OpenAI and ElevenLabs do, and keeps what it was asked.

with media_server() as server:
    server.fail("POST /fal-ai/flux/schnell", Fail(429, {"retry-after": "0"}))
    ... open_bench(home) with server.environment set ...
    assert server.submitted() == 1
"""

from __future__ import annotations

import base64
import functools
import json
import tempfile
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

from puras.server.media.draft.film import write_film
from puras.server.media.draft.picture import card_size, draw_card
from puras.server.media.draft.sound import as_wav, spoken

KEY = "key-of-the-operator-0123456789"


@dataclass(frozen=True, slots=True)
class Fail:
    """An error of the provider's, with its body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=lambda: {"detail": "something is wrong"})


@dataclass(frozen=True, slots=True)
class Break:
    """The connection ends before there is an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. `form` has the fields of a multipart body, files as (name, bytes)."""

    line: str
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, Any]


@dataclass
class MediaServer:
    """`error` makes fal's requests fail at the end; `elsewhere` is where they claim to be found.
    `looked` is set when fal is asked for a request that it holds back."""

    base: str = ""
    asked: list[Asked] = field(default_factory=list)
    looked: threading.Event = field(default_factory=threading.Event)
    error: str | None = None
    elsewhere: str | None = None
    _faults: defaultdict[str, deque[Fail | Break]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _held: str | None = None
    _models: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "FAL_KEY": KEY,
            "FAL_BASE_URL": self.base,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.base}/v1",
            "ELEVENLABS_API_KEY": KEY,
            "ELEVENLABS_BASE_URL": self.base,
        }

    def fail(self, line: str, *faults: Fail | Break) -> None:
        """Answer the next requests of a method and a path's beginning with faults."""
        self._faults[line].extend(faults)

    def hold(self, model: str) -> None:
        """Let fal work on requests of models that begin so, until `release`."""
        self._held = model

    def release(self) -> None:
        self._held = None

    def of(self, beginning: str) -> list[Asked]:
        """Return the requests whose line begins so."""
        return [asked for asked in self.asked if asked.line.startswith(beginning)]

    def submitted(self) -> int:
        """Count the requests that fal has queued."""
        return len(self._models)

    def fault(self, line: str) -> Fail | Break | None:
        for beginning, faults in self._faults.items():
            if line.startswith(beginning) and faults:
                return faults.popleft()
        return None

    def queue(self, model: str) -> dict[str, Any]:
        """Queue a request as fal does: its URLs have the app's first two parts alone."""
        with self._lock:
            request_id = f"request-{len(self._models) + 1}"
            self._models[request_id] = model
        app = "/".join(model.split("/")[:2])
        place = f"{self.elsewhere or self.base}/{app}/requests/{request_id}"
        return {
            "status": "IN_QUEUE",
            "request_id": request_id,
            "response_url": place,
            "status_url": f"{place}/status",
            "cancel_url": f"{place}/cancel",
            "queue_position": 0,
        }

    def status(self, request_id: str) -> tuple[int, dict[str, Any]]:
        if self._held is not None and self._models[request_id].startswith(self._held):
            self.looked.set()
            return 202, {"status": "IN_PROGRESS", "request_id": request_id, "logs": None}
        told = {"status": "COMPLETED", "request_id": request_id, "metrics": {"inference_time": 1}}
        return 200, told if self.error is None else {**told, "error": self.error}

    def result(self, request_id: str) -> dict[str, Any]:
        model = self._models[request_id]
        if "video" in model or "veo" in model:
            file = {"url": f"{self.base}/files/a.mp4", "content_type": "video/mp4"}
            return {"video": {**file, "file_name": "a.mp4", "file_size": len(video_bytes())}}
        if "kokoro" in model:
            return {"audio": {"url": f"{self.base}/files/a.wav", "content_type": "audio/wav"}}
        image = {"url": f"{self.base}/files/a.png", "content_type": "image/png"}
        return {"images": [{**image, "width": 64, "height": 64}], "seed": 7}


@contextmanager
def media_server() -> Iterator[MediaServer]:
    """Serve until the block ends."""
    server = MediaServer()
    listener = _Listener(("127.0.0.1", 0), _handler(server))
    server.base = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed."""


@functools.cache
def image_bytes() -> bytes:
    out = BytesIO()
    draw_card("an image", size=(64, 64), seed=1).save(out, "PNG")
    return out.getvalue()


@functools.cache
def audio_bytes() -> bytes:
    return as_wav(spoken("a sound", seconds=1.5), comment="a sound")


@functools.cache
def video_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "a.mp4"
        write_film(
            draw_card("x", size=card_size(Fraction(16, 9), short_edge=64), seed=1),
            target,
            seconds=1,
            samples=None,
            comment="x",
            stop=threading.Event(),
        )
        return target.read_bytes()


def _handler(server: MediaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            asked = self._read()
            server.asked.append(asked)
            fault = server.fault(asked.line)
            if isinstance(fault, Break):
                self.close_connection = True
                self.connection.close()
            elif fault is not None:
                self._json(fault.status, fault.body, fault.headers)
            elif not _is_allowed(asked):
                self._json(401, {"detail": f"Cannot access with key {KEY}"}, {})
            else:
                self._route(asked)

        def _read(self) -> Asked:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kind = self.headers.get("content-type", "")
            whole = f"content-type: {kind}\r\n\r\n".encode() + body
            return Asked(
                f"{self.command} {self.path}",
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(body) if kind == "application/json" else None,
                _form(whole) if kind.startswith("multipart/") else {},
            )

        def _route(self, asked: Asked) -> None:
            path = self.path.partition("?")[0]
            if self.command == "GET" and path.startswith("/files/"):
                self._bytes(*_FILES[path.rpartition(".")[2]]())
            elif path.endswith("/status"):
                self._json(*server.status(path.split("/")[-2]), {})
            elif self.command == "GET":
                self._json(200, server.result(path.rpartition("/")[2]), {})
            elif path.startswith("/v1/"):
                self._other(path, asked)
            else:
                self._json(200, server.queue(path.lstrip("/")), {})

        def _other(self, path: str, asked: Asked) -> None:
            if path.startswith("/v1/images/"):
                image = base64.b64encode(image_bytes()).decode()
                usage = {"input_tokens": 50, "output_tokens": 1056, "total_tokens": 1106}
                told = {"created": 1, "data": [{"b64_json": image}], "output_format": "png"}
                self._json(200, {**told, "usage": usage}, {"x-request-id": "req_1"})
            elif path == "/v1/audio/speech" or path.startswith("/v1/text-to-speech/"):
                self._bytes(audio_bytes(), "audio/wav")
            elif path == "/v1/audio/transcriptions":
                words = [{"word": "Hello", "start": 0.0, "end": 0.4}]
                told = {"task": "transcribe", "language": "english", "duration": 1.5}
                self._json(200, {**told, "text": "Hello", "words": words}, {})
            else:
                self._json(200, _SCRIBED, {})

        def _json(self, status: int, value: Any, headers: Mapping[str, str]) -> None:
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self._send(status, body, {"content-type": "application/json", **headers})

        def _bytes(self, content: bytes, mime: str) -> None:
            self._send(200, content, {"content-type": mime, "request-id": "speech-1"})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


_FILES = {
    "png": lambda: (image_bytes(), "image/png"),
    "mp4": lambda: (video_bytes(), "video/mp4"),
    "wav": lambda: (audio_bytes(), "audio/wav"),
}
_SCRIBED = {
    "language_code": "eng",
    "language_probability": 0.98,
    "text": "Hello there",
    "words": [
        {"text": "Hello", "start": 0.1, "end": 0.4, "type": "word", "speaker_id": "speaker_0"},
        {"text": " ", "start": 0.4, "end": 0.5, "type": "spacing", "speaker_id": "speaker_0"},
        {"text": "there", "start": 0.5, "end": 0.9, "type": "word", "speaker_id": "speaker_0"},
    ],
    "transcription_id": "scribe-1",
}


def _is_allowed(asked: Asked) -> bool:
    """Tell whether the key came as its provider takes it."""
    path = asked.line.partition(" ")[2]
    if path.startswith(("/v1/text-to-speech", "/v1/speech-to-text")):
        return asked.headers.get("xi-api-key") == KEY
    if path.startswith("/v1/"):
        return asked.headers.get("authorization") == f"Bearer {KEY}"
    return path.startswith("/files/") or asked.headers.get("authorization") == f"Key {KEY}"


def _form(whole: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part in message_from_bytes(whole).get_payload():
        assert not isinstance(part, str)
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        value = (part.get_filename(), content) if part.get_filename() else content.decode()
        fields.setdefault(str(name), []).append(value)
    return fields

"""Reads `contract/fixtures` and plays them: a fixture's answers, and what it demands of a call."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from puras import errors

from ..unit.client.scripted_server import Answer, Seen, answer

FOLDER = Path(__file__).parents[2] / "contract/fixtures"
JOB_ID = "01939f3e-0000-7000-8000-0000000000aa"


def cases(pattern: str) -> list[Any]:
    return [case for path in sorted(FOLDER.glob(pattern)) for case in json.loads(path.read_text())]


def response(told: Mapping[str, Any]) -> Answer:
    """The answer that a fixture's response describes."""
    headers = dict(told.get("headers", {}))
    if "json" in told:
        body = json.dumps(told["json"]).encode()
        headers.setdefault("Content-Type", "application/json")
    elif "file" in told:
        body = (FOLDER / told["file"]).read_bytes()
    else:
        body = told.get("text", "").encode()
    return Answer(told["status"], body[: told.get("to")], headers, told.get("end", "whole"))


def check_requests(exchanges: list[Mapping[str, Any]], seen: list[Seen]) -> None:
    """Demand exactly the requests of a fixture, in their order."""
    wanted = [exchange["request"] for exchange in exchanges]
    names = [f"{request['method']} {unquote(request['path'])}" for request in wanted]
    assert [str(request) for request in seen] == names
    bound: dict[str, str] = {}
    for request, got in zip(wanted, seen, strict=True):
        assert got.raw_path == request["path"]
        assert got.query == request["query"]
        check_headers(request["headers"], got.headers, bound)
        check_body(request, got)


def check_headers(wanted: Mapping[str, str], got: Mapping[str, str], bound: dict[str, str]) -> None:
    for name, text in wanted.items():
        assert got.get(name), f"no {name}"
        expected = bound.setdefault(text, got[name]) if text.startswith("$") else text
        assert got[name] == expected


def check_body(wanted: Mapping[str, Any], got: Seen) -> None:
    if "json" in wanted:
        assert got.json == wanted["json"]
    elif "multipart" in wanted:
        assert form(got) == wanted["multipart"]
    else:
        assert got.body == b""


def form(seen: Seen) -> dict[str, Any]:
    """Read a multipart body: fields as text, files as `filename`, `type` and `text`."""
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    fields: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + seen.body).iter_parts():
        raw = part.get_payload(decode=True)
        assert isinstance(raw, bytes)
        name = str(part.get_param("name", header="content-disposition"))
        fields[name] = raw.decode()
        if part.get_filename():
            kind = part.get_content_type()
            fields[name] = {"filename": part.get_filename(), "type": kind, "text": raw.decode()}
    return fields


def check_error(wanted: Mapping[str, Any], raised: BaseException) -> None:
    """Demand the class of an error, the words in it and the fields that a fixture names."""
    assert type(raised) is getattr(errors, wanted["error"])
    assert wanted.get("text", "") in str(raised)
    for name in ("status", "code", "detail", "request_id", "job"):
        if name in wanted:
            assert getattr(raised, name) == wanted[name]


SECONDS = {"timeout_seconds": "timeout", "poll_interval_seconds": "poll_interval"}


def arguments(told: Mapping[str, Any], collected: list[int]) -> dict[str, Any]:
    """A fixture's arguments as Python has them."""
    given = {SECONDS.get(name, name): value for name, value in told.items()}
    if given.get("on_event"):
        given["on_event"] = lambda event: collected.append(event.id)
    if "file" in given:
        file = io.BytesIO(given["file"]["text"].encode())
        file.name = given["file"]["name"]
        given["file"] = file
    return given


class FaultyLine:
    """Plays one case of `faults/streams.json`; `cut` stands in for its `every`."""

    def __init__(self, case: Mapping[str, Any], cut: int | None = None) -> None:
        self.connections = list(case["connections"])
        self.pages = list(case.get("pages", []))
        self.cut = cut
        self.body = (FOLDER / f"streams/{case['stream']}.sse").read_bytes()

    def __call__(self, seen: Seen) -> Answer:
        if seen.path != f"/v1/jobs/{JOB_ID}/stream":
            return self.poll(seen)
        told = self.connections.pop(0)
        return response(told) if "status" in told else self.stream(seen, told)

    def stream(self, seen: Seen, told: Mapping[str, Any]) -> Answer:
        after = int(seen.query.get("after", 0))
        assert int(seen.headers.get("last-event-id", 0)) == after
        left = [b for b in blocks(self.body) if (block_id(b) or 99) > after - told.get("repeat", 0)]
        cut = self.cut if told.get("cut") == "every" else told.get("cut")
        body = b"".join(left)[:cut]
        return Answer(200, body, {"Content-Type": "text/event-stream"}, told.get("end", "whole"))

    def poll(self, seen: Seen) -> Answer:
        page = self.pages.pop(0)
        if isinstance(page, str):
            assert seen.path == f"/v1/jobs/{JOB_ID}"
            return answer({"id": JOB_ID, "status": page})
        assert seen.path == f"/v1/jobs/{JOB_ID}/events"
        return answer([event for event in events(self.body) if event["id"] in page])


def blocks(body: bytes) -> list[bytes]:
    return re.findall(rb".*?\n\n", body, re.DOTALL)


def block_id(block: bytes) -> int | None:
    found = re.search(rb"^id: (\d+)$", block, re.MULTILINE)
    return int(found[1]) if found else None


def events(body: bytes) -> list[Any]:
    return [json.loads(data) for data in re.findall(rb"^data: (.*\"id\".*)$", body, re.MULTILINE)]

"""A small real server that speaks as much of the contract as the CLI uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

KEY = "puras_live_abcd1234.ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
NOW = "2026-11-25T12:00:00.000000+00:00"


def an_id(number: int) -> str:
    return f"01990c5e-7d2a-7c3e-9f10-{number:012x}"


@dataclass
class Seen:
    """A request as it came in; `target` is its path as it was written, still encoded."""

    target: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def parts(self) -> dict[str, Any]:
        """The parts of a multipart body, by the name of their field."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        return {
            str(part.get_param("name", header="content-disposition")): part.get_content()
            if part.get_content_maintype() == "text"
            else part.get_payload(decode=True)
            for part in message.iter_parts()  # type: ignore[attr-defined]
        }


@dataclass
class Loopback:
    """What the server has, and what it was asked. Tests change it as they like.

    `refusals` maps `METHOD /path` to the answer to give instead (`script`). `skill` is what each
    deployed bundle is said to hold. `silent` holds streams open after the events that are there,
    `hang_up` breaks the connection at a deploy, `garbled` answers reads of a job with what is no
    JSON.
    """

    base: str = ""
    seen: list[Seen] = field(default_factory=list)
    refusals: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    skillpacks: list[dict[str, Any]] = field(default_factory=list)
    deployments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=lambda: {"status": "succeeded", "result": {}})
    streaming: threading.Event = field(default_factory=threading.Event)
    skill: dict[str, Any] = field(default_factory=dict)
    silent: bool = False
    hang_up: bool = False
    garbled: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    def refuse(self, where: str, status: int, code: str, **more: Any) -> None:
        body = {"detail": f"no: {code}", "code": code, "request_id": "req-7"} | more
        self.refusals[where] = (status, body)

    def script(self, where: str, value: Any, status: int = 200) -> None:
        """Give this answer to `METHOD /path`."""
        self.refusals[where] = (status, value)

    def asked(self, method: str, path: str) -> list[Seen]:
        return [each for each in self.seen if (each.method, each.path) == (method, path)]

    def add_skillpack(self, slug: str, **more: Any) -> dict[str, Any]:
        pack = {
            "id": an_id(100 + len(self.skillpacks)),
            "slug": slug,
            "name": slug,
            "description": None,
            "active_deployment_id": None,
            "public": False,
            "created_at": NOW,
        } | more
        self.skillpacks.insert(0, pack)
        self.deployments[pack["id"]] = []
        return pack

    def add_deployment(
        self, pack: dict[str, Any], *, active: bool = True, **skill: Any
    ) -> dict[str, Any]:
        versions = self.deployments[pack["id"]]
        shown = {
            "name": "hello",
            "type": "function",
            "title": None,
            "description": "Greets.",
            "entrypoint": "hello.py:run",
            "input_schema": {"type": "object", "properties": {}},
            "output_schema": None,
            "examples": [],
            "timeout_seconds": None,
            "process": "fresh",
            "needs": [],
            "parent": None,
            "extra": {},
        } | skill
        made = {
            "id": an_id(200 + len(versions)),
            "version": len(versions) + 1,
            "is_active": False,
            "size_bytes": 1234,
            "notes": None,
            "created_at": NOW,
            "manifest": {"skills": [shown]},
        }
        versions.insert(0, made)
        if active:
            self.activate(pack, made)
        return made

    def activate(self, pack: dict[str, Any], chosen: dict[str, Any]) -> None:
        for each in self.deployments[pack["id"]]:
            each["is_active"] = each is chosen
        pack["active_deployment_id"] = chosen["id"]

    def add_job(self, **more: Any) -> dict[str, Any]:
        job = {
            "id": an_id(300 + len(self.jobs)),
            "status": "queued",
            "result": None,
            "error": None,
            "error_code": None,
            "skill_name": "hello",
            "skillpack": "greetings",
            "version": 1,
            "created_at": NOW,
            "started_at": None,
            "finished_at": None,
            "attempt": 1,
            "cost_micros": 0,
        } | more
        self.jobs.insert(0, job)
        return job

    def add_key(self, **more: Any) -> dict[str, Any]:
        key = {
            "id": an_id(400 + len(self.keys)),
            "name": "ci",
            "kind": "secret",
            "prefix": "puras_live_abcd1234",
            "skills": "all",
            "daily_cap_usd": None,
            "spent_today_micros": 0,
            "rate_per_minute": None,
            "concurrency": None,
            "allowed_origins": None,
            "expires_at": None,
            "revoked_at": None,
            "last_used_at": None,
            "created_at": NOW,
        } | more
        self.keys.insert(0, key)
        return key

    def say(self, type: str, **payload: Any) -> None:
        """Add an event to what every job says between `running` and its end."""
        self.events.append({"type": type, "payload": payload})

    def events_of(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        status = {"status": self.outcome["status"], "error": self.outcome.get("error")}
        told = [
            {"type": "status", "payload": {"status": "queued"}},
            {"type": "status", "payload": {"status": "running", "attempt": 1}},
            *self.events,
            *([] if self.silent else [{"type": "status", "payload": status}]),
        ]
        return [
            {"id": number, "job_id": job["id"], "ts": NOW, **event}
            for number, event in enumerate(told, start=1)
        ]


class Handler(BaseHTTPRequestHandler):
    """Answers from the state in `server.loopback`."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionResetError, BrokenPipeError):
            self.close_connection = True

    @property
    def state(self) -> Loopback:
        return self.server.loopback  # type: ignore[attr-defined, no-any-return]

    def serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path, query = unquote(url.path), dict(parse_qsl(url.query))
        self.state.seen.append(Seen(url.path, self.command, path, query, headers, body))
        refusal = self.state.refusals.get(f"{self.command} {path}")
        if refusal is not None:
            self.answer(refusal[1], refusal[0])
        elif path.startswith("/v1") and headers.get("authorization") != f"Bearer {KEY}":
            self.refuse(401, "invalid_api_key")
        else:
            self.route([part for part in path.split("/") if part][1:], query)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def answer(self, value: Any, status: int = 200, **headers: str) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Puras-Idempotency", "1")
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, code: str) -> None:
        self.answer({"detail": f"no: {code}", "code": code, "request_id": "req-7"}, status)

    def route(self, parts: list[str], query: dict[str, str]) -> None:
        match self.command, parts:
            case "GET", ["billing", "balance"]:
                self.answer(
                    {
                        "workspace_id": an_id(1),
                        "workspace": "acme",
                        "balance_micros": 99_500_000,
                        "balance_usd": 99.5,
                        "spent_today_micros": 500_000,
                    }
                )
            case _, ["skillpacks", *rest]:
                self.skillpacks(rest, query)
            case _, ["jobs", *rest]:
                self.jobs(rest, query)
            case _, ["keys", *rest]:
                self.keys(rest, query)
            case "POST", ["drive", "upload"]:
                size = len(self.state.seen[-1].parts()["file"])
                self.answer({"drive_path": "uploads/1", "size_bytes": size, "mime": "x/y"}, 201)
            case _:
                self.refuse(404, "not_found")

    def skillpacks(self, parts: list[str], query: dict[str, str]) -> None:
        state = self.state
        if not parts and self.command == "POST":
            self.answer(state.add_skillpack(**state.seen[-1].json), 201)
            return
        if not parts:
            self.page(state.skillpacks, query)
            return
        pack = next((p for p in state.skillpacks if parts[0] in (p["id"], p["slug"])), None)
        if pack is None:
            self.refuse(404, "skillpack_not_found")
            return
        match self.command, parts[1:]:
            case "GET", []:
                self.answer(pack)
            case "PATCH", []:
                pack |= state.seen[-1].json
                self.answer(pack)
            case "DELETE", []:
                state.skillpacks.remove(pack)
                self.answer(None, 204)
            case _, ["deployments", *rest]:
                self.deployments(pack, rest, query)

    def deployments(self, pack: dict[str, Any], parts: list[str], query: dict[str, str]) -> None:
        state, versions = self.state, self.state.deployments[pack["id"]]
        match self.command, parts:
            case "GET", []:
                self.page(versions, query)
            case "POST", []:
                if state.hang_up:
                    self.close_connection = True
                    return
                fields = state.seen[-1].parts()
                active = fields["activate"] == "true"
                made = state.add_deployment(pack, active=active, **state.skill)
                self.answer(made, 201)
            case "POST", [deployment_id, "activate"]:
                chosen = next(each for each in versions if each["id"] == deployment_id)
                state.activate(pack, chosen)
                self.answer(chosen)
            case "DELETE", [deployment_id]:
                versions[:] = [each for each in versions if each["id"] != deployment_id]
                self.answer(None, 204)

    def jobs(self, parts: list[str], query: dict[str, str]) -> None:
        state = self.state
        if not parts and self.command == "POST":
            body = state.seen[-1].json
            self.answer(
                state.add_job(skill_name=body.get("skill", "@inline"), inputs=body["inputs"]), 201
            )
            return
        if not parts:
            wanted = query.get("status")
            self.page([j for j in state.jobs if wanted in (None, j["status"])], query)
            return
        job = next((each for each in state.jobs if each["id"] == parts[0]), None)
        if job is None:
            self.refuse(404, "job_not_found")
            return
        match self.command, parts[1:]:
            case "GET", []:
                self.answer(["not", "a", "job"] if state.garbled else job)
            case "GET", ["stream"]:
                self.stream(job, int(query.get("after", 0)))
            case "POST", ["cancel"]:
                if job["status"] in ("queued", "running"):
                    job["status"] = "cancelled"
                self.answer(job)
            case "POST", ["feedback"]:
                self.answer({"job_id": job["id"], **state.seen[-1].json})

    def stream(self, job: dict[str, Any], after: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in self.state.events_of(job)[after:]:
            self.wfile.write(f"id: {event['id']}\ndata: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()
        self.state.streaming.set()
        if self.state.silent:
            self.state.released.wait(20)
        else:
            job |= self.state.outcome
            self.wfile.write(b'event: end\ndata: {"status": "over"}\n\n')
        self.close_connection = True

    def keys(self, parts: list[str], query: dict[str, str]) -> None:
        state = self.state
        match self.command, parts:
            case "GET", []:
                self.page(state.keys, query)
            case "POST", []:
                self.answer(state.add_key(**state.seen[-1].json) | {"key": KEY}, 201)
            case "PATCH", [key_id]:
                key = next(each for each in state.keys if each["id"] == key_id)
                key |= state.seen[-1].json
                self.answer(key)
            case "DELETE", [key_id]:
                self.answer(None, 204)

    def page(self, items: list[dict[str, Any]], query: dict[str, str]) -> None:
        ids = [item["id"] for item in items]
        start = ids.index(query["before"]) + 1 if "before" in query else 0
        end = start + int(query.get("limit", 50))
        link = {"Link": '<http://elsewhere/>; rel="next"'} if end < len(items) else {}
        self.answer(items[start:end], **link)


@contextmanager
def serving() -> Iterator[Loopback]:
    """Run a server until the block ends."""
    state = Loopback()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.loopback = state  # type: ignore[attr-defined]
    state.base = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        http.shutdown()
        thread.join()
        http.server_close()

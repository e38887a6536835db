"""Spans at a real collector: one trace from the caller's own span to the model's turn."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from puras.server import traceparent
from puras.server.traceparent import Parent

from .agent.scripted import ScriptedModels, agent, calls, output
from .jobs.bench import Skill, open_bench

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
ADD = """
def add(a, b):
    return {"sum": a + b}
"""
TOOL = {
    "name": "add",
    "description": "Adds.",
    "entrypoint": "tools.py:add",
    "input_schema": {"type": "object", "properties": {"a": {"type": "number"}, "b": {}}},
}


class Collector:
    """An OTLP/HTTP collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span


@contextmanager
def collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def attributes(span: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


async def test_a_submit_its_job_its_run_and_its_models_turns_are_one_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ScriptedModels([calls(("add", {"a": 1, "b": 2})), output("3")])
    with collecting(monkeypatch) as collector:
        async with open_bench(tmp_path / "data", models=models.open) as bench:
            await bench.deploy(agent("sum", ADD, tools=[TOOL], text_model="local/draft"))
            secret = "what nobody but the caller should read"
            job = await bench.run("sum", {"note": secret}, headers=CALLER)
            assert job["status"] == "succeeded", job
    request = next(
        span
        for span in collector.spans
        if span.name == "POST /v1/jobs" and span.trace_id.hex() == TRACE
    )
    whole, run = collector.named("job pack/sum"), collector.named("invoke_agent pack/sum")
    tool = collector.named("execute_tool add")
    turns = [span for span in collector.spans if span.name == "chat local/draft"]
    line = [request, whole, run]
    assert request.parent_span_id.hex() == SPAN
    for below, above in zip(line[1:], line, strict=False):
        assert below.parent_span_id == above.span_id
    for span in (*line, tool, *turns):
        assert span.trace_id.hex() == TRACE
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    assert {span.parent_span_id for span in (tool, *turns)} == {run.span_id}
    assert len(turns) == 2
    told = attributes(turns[0])
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == "local/draft"
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (100, 10)
    assert turns[0].kind == turns[0].SPAN_KIND_CLIENT
    assert attributes(tool)["gen_ai.tool.name"] == "add"
    assert attributes(run)["gen_ai.agent.name"] == "pack/sum"
    assert attributes(request)["http.response.status_code"] == 201
    assert attributes(run)["puras.job.id"] == job["id"]
    assert collector.services == {"puras"}
    assert secret not in str(collector.spans)


async def test_a_failed_run_and_its_child_say_so_in_the_trace_of_their_root_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = "import puras\ndef run():\n    return puras.subagent.run('breaks')\n"
    breaks = Skill("breaks", "def run():\n    raise ValueError('it broke')\n")
    with collecting(monkeypatch) as collector:
        async with open_bench(tmp_path / "data") as bench:
            await bench.deploy(Skill("above", above), breaks)
            await bench.run("above")
    child, call = collector.named("run pack/breaks"), collector.named("job pack/above")
    assert child.status.code == child.status.STATUS_CODE_ERROR
    assert attributes(child)["error.type"] == "function_error"
    assert child.trace_id == call.trace_id == collector.named("run pack/above").trace_id
    ids = {span.span_id for span in collector.spans}
    assert child.parent_span_id in ids
    assert "it broke" not in str(collector.spans)


async def test_without_a_collector_a_job_keeps_its_callers_trace_and_nothing_is_sent(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path / "data") as bench:
        await bench.deploy(Skill("echo", "def run(**inputs):\n    return inputs\n"))
        await bench.run("echo", headers=CALLER)
        await bench.run("echo", headers={"traceparent": "00-nonsense"})
        rows = await bench.rows("SELECT traceparent FROM jobs ORDER BY id")
    assert [row["traceparent"] for row in rows] == [CALLER["traceparent"], None]


@pytest.mark.parametrize(
    ("header", "parent"),
    [
        (f"00-{TRACE}-{SPAN}-01", Parent(TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-00", Parent(TRACE, SPAN, sampled=False)),
        (f"cc-{TRACE}-{SPAN}-01-what-will-be", Parent(TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("", None),
    ],
)
def test_a_traceparent_is_read_as_w3c_has_it(header: str, parent: Parent | None) -> None:
    assert traceparent.read(header) == parent

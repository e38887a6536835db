"""Peers to measure beside us: each with its server, on loopback, and a process that calls it.

Nothing of them asks anything outside of this machine; where a peer would, its own setting for that
is used. Each can raise GaveUp or LookupError, where it does not start or can not be installed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from contestants import Contestant, contestant
from environments import HERE, program_of, python_with
from processes import free_port, listening, running, until_answered
from served import durable_postgres

_QUIET_GRADIO = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
_QUIET_RESTATE = {"RESTATE_DISABLE_TELEMETRY": "true"}
_QUIET_LANGGRAPH = {
    "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    "LANGGRAPH_NO_VERSION_CHECK": "true",
    "LANGSMITH_TRACING": "false",
    "LANGSMITH_API_KEY": "",
}
_QUIET_COG = {"SENTRY_DSN": "", "OTEL_TRACES_EXPORTER": "none", "COG_LOG_LEVEL": "error"}


def ours(*arguments: str) -> Any:
    """Start a contestant of `calls.py`."""
    return contestant(Path(sys.executable), "calls.py", *arguments)


def posting(url: str, body: dict[str, Any], expected: dict[str, Any]) -> Any:
    """Start a contestant that posts to a peer, and looks for what is expected in the answer."""
    return ours("post", url, json.dumps(body), json.dumps(expected))


@contextmanager
def echo() -> Iterator[Contestant]:
    """Starlette on uvicorn with nothing to do: the limit of any server like ours."""
    port = free_port()
    uvicorn = ["-m", "uvicorn", "echo_app:app", "--port", str(port), "--log-level", "error"]
    with (
        listening([sys.executable, *uvicorn], port),
        ours("echo", f"http://127.0.0.1:{port}") as one,
    ):
        yield one


@contextmanager
def gradio() -> Iterator[Contestant]:
    """A Gradio app with its queue, called by its client."""
    python = python_with("gradio")
    with (
        gradio_app() as url,
        contestant(python, "peer_gradio.py", "call", url, env=_QUIET_GRADIO) as one,
    ):
        yield one


@contextmanager
def gradio_app() -> Iterator[str]:
    """A Gradio app with its queue; gives its URL."""
    python = python_with("gradio")
    with running([str(python), "peer_gradio.py", "serve"], env=_QUIET_GRADIO) as server:
        yield server.hear()


@contextmanager
def queue_services(folder: Path) -> Iterator[str]:
    """A loopback server that speaks as fal and Replicate do; gives its URL."""
    with running(["node", str(folder / "queue_server.mjs")]) as server:
        yield server.hear()


def in_node(folder: Path, side: str, *arguments: str) -> Any:
    """Start a contestant of `js/sides.mjs`."""
    return contestant(Path("node"), str(folder / "contestant.mjs"), side, *arguments)


@contextmanager
def celery(*options: str) -> Iterator[Contestant]:
    """A Celery worker with eight processes, on a Redis of its own."""
    python = python_with("celery[redis]")
    worker = ["-m", "celery", "-A", "peer_celery", "worker", "-c", "8", "--without-mingle"]
    with (
        redis() as url,
        running([str(python), *worker, *options], env={"PEER_REDIS": url}),
        contestant(python, "peer_celery.py", env={"PEER_REDIS": url}) as one,
    ):
        yield one


@contextmanager
def rq() -> Iterator[Contestant]:
    """Eight workers of RQ, each of which forks a process for each job, on a Redis of its own."""
    python = python_with("rq")
    pool = [str(python.with_name("rq")), "worker-pool", "-n", "8", "-q"]
    with (
        redis() as url,
        running([*pool, "--url", url, "--path", str(HERE)]),
        contestant(python, "peer_rq.py", url) as one,
    ):
        yield one


@contextmanager
def redis() -> Iterator[str]:
    """A Redis that keeps nothing on disk; gives its URL."""
    port = free_port()
    server = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (
        tempfile.TemporaryDirectory() as folder,
        listening([*server, "--dir", folder], port),
    ):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def procrastinate() -> Iterator[Contestant]:
    """A Procrastinate worker that does eight jobs at once, on a PostgreSQL of its own."""
    python = python_with("procrastinate", "psycopg[binary]")
    with durable_postgres() as url, ExitStack() as stack:
        env = {"PEER_DATABASE": url}
        worker = running([str(python), "peer_procrastinate.py", "serve"], env=env)
        stack.enter_context(worker).hear()
        yield stack.enter_context(contestant(python, "peer_procrastinate.py", "call", env=env))


@contextmanager
def dbos(how: str) -> Iterator[Contestant]:
    """DBOS on a PostgreSQL of its own: `enqueue` for its worker, or `start` in the caller."""
    python = python_with("dbos")
    with durable_postgres() as url, ExitStack() as stack:
        env = {"PEER_DATABASE": url}
        if how == "enqueue":
            worker = running([str(python), "peer_dbos.py", "serve"], env=env)
            stack.enter_context(worker).hear()
        yield stack.enter_context(contestant(python, "peer_dbos.py", how, env=env))


@contextmanager
def restate() -> Iterator[Contestant]:
    """A Restate server that syncs its log, and the service that it calls."""
    python = python_with("restate-sdk", "hypercorn")
    program = program_of("@restatedev/restate-server", "restate-server")
    service, ingress, admin, node = (free_port() for _ in range(4))
    hypercorn = ["-m", "hypercorn", "peer_restate:app", "--bind", f"127.0.0.1:{service}"]
    env = {
        **_QUIET_RESTATE,
        "RESTATE_INGRESS__BIND_PORT": str(ingress),
        "RESTATE_ADMIN__BIND_PORT": str(admin),
    }
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        where = ["--base-dir", folder, "--bind-ip", "127.0.0.1", "--bind-port", str(node)]
        stack.enter_context(listening([str(python), *hypercorn], service))
        stack.enter_context(
            listening([str(program), "--listen-mode", "tcp", *where], ingress, env=env)
        )
        until_answered(admin, "/deployments", {"uri": f"http://127.0.0.1:{service}"}, has="nothing")
        url = f"http://127.0.0.1:{ingress}/peer/nothing"
        yield stack.enter_context(posting(url, {}, {}))


@contextmanager
def langgraph() -> Iterator[Contestant]:
    """The development server of LangGraph with a graph of one node."""
    python, port = python_with("langgraph-cli[inmem]"), free_port()
    serve = ["dev", "--no-browser", "--no-reload", "--n-jobs-per-worker", "8"]
    graphs = {"nothing": f"{HERE / 'peer_langgraph.py'}:graph"}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        config = {"dependencies": ["."], "graphs": graphs}
        (folder / "langgraph.json").write_text(json.dumps(config))
        command = [str(python.with_name("langgraph")), *serve, "--port", str(port)]
        stack.enter_context(listening(command, port, env=_QUIET_LANGGRAPH, cwd=folder))
        url = f"http://127.0.0.1:{port}/runs/wait"
        yield stack.enter_context(posting(url, {"assistant_id": "nothing", "input": {}}, {}))


@contextmanager
def cog() -> Iterator[Contestant]:
    """The server that Cog puts into its images, outside of one."""
    python, port = python_with("cog"), free_port()
    serve = ["-m", "cog.server.http"]
    env = {
        **_QUIET_COG,
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "PORT": str(port),
        "COG_PREDICT_TYPE_STUB": "peer_cog.py:Nothing",
        "COG_MAX_CONCURRENCY": "8",
    }
    with listening([str(python), *serve, "--host", "127.0.0.1"], port, env=env):
        until_answered(port, "/health-check", has="READY")
        url = f"http://127.0.0.1:{port}/predictions"
        with posting(url, {"input": {}}, {"status": "succeeded"}) as one:
            yield one

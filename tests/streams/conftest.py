"""A job's log behind real proxies, on lines that break: what the streams are followed through."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from puras import Puras

from ..system.conftest import Served, serving

ROOT = Path(__file__).parents[2]
WAYS = ("nginx", "nginx-old", "haproxy")
"""The proxies, by their sockets. `nginx-old` is one that nobody told of streams: HTTP/1.0 to the
server, answers held in buffers, and squeezed by gzip."""

_PROGRAMS = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in WAYS[::2]}
_START_SECONDS = 20
_NGINX = """\
daemon off; master_process off; error_log stderr crit; pid {here}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; proxy_max_temp_file_size 0;
  fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
  server {{
    listen unix:{here}/nginx.sock;
    location / {{
      proxy_pass http://127.0.0.1:{back}; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
  server {{
    listen unix:{here}/nginx-old.sock;
    gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any; gzip_http_version 1.0;
    location / {{
      proxy_pass http://127.0.0.1:{back};
      proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;
    }}
  }}
}}
"""
_HAPROXY = """\
global
  maxconn 4096
defaults
  mode http
  timeout connect 20s
  timeout client 120s
  timeout server 120s
frontend front
  bind {here}/haproxy.sock
  default_backend back
backend back
  server puras 127.0.0.1:{back}
"""
_TELL = """\
def run():
    for n in range(30):
        print(n, "ä\\u2028€🐉豆腐\\r"[: n % 9], flush=True)
    return {}
"""


@dataclass(frozen=True)
class Told:
    """A job that is over, its log, and the address of the line that breaks."""

    job_id: str
    log: list[dict[str, Any]]
    key: str
    line: str

    def base(self, run: str) -> str:
        """Return the API base of a run, `<way>/<seed>`."""
        return f"{self.line}/{run}"

    def counts(self) -> dict[str, int]:
        """Return how often each thing happened on the line."""
        with urllib.request.urlopen(f"{self.line}/counts") as answer:
            counts: dict[str, int] = json.load(answer)
        return counts


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    missing = [name for name, program in _PROGRAMS.items() if program is None]
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)} on this machine")
    home = tmp_path_factory.mktemp("told")
    with serving(home) as served, broken_line(served) as line:
        with Puras(served.key, "tell", api_base=served.base) as puras:
            deploy(served)
            job = puras.submit("tell", wait=True)
            log = [dict(event) for event in puras.events(job.id, transport="poll")]
        yield Told(job.id, log, served.key, line)


def deploy(served: Served) -> None:
    folder = served.home / "tell" / "tell"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(_TELL)
    (folder / "skill.yaml").write_text("description: It tells.\nentrypoint: main.py:run\n")
    deployed = served.puras("deploy", str(folder.parent), "--skillpack", "tell")
    assert deployed.returncode == 0, deployed.stderr


@contextmanager
def broken_line(served: Served) -> Iterator[str]:
    """Put proxies before a server, and lines that break before and behind them."""
    with tempfile.TemporaryDirectory(prefix="puras-line-") as folder:
        here = Path(folder)
        command = [sys.executable, "-m", "tests.streams.line", served.base, folder]
        with process(*command, cwd=ROOT, stdout=subprocess.PIPE) as breaking:
            assert breaking.stdout is not None
            front, back = json.loads(breaking.stdout.readline())
            (here / "nginx.conf").write_text(_NGINX.format(here=here, back=back))
            (here / "haproxy.cfg").write_text(_HAPROXY.format(here=here, back=back))
            nginx = _PROGRAMS["nginx"], "-p", folder, "-c", str(here / "nginx.conf")
            haproxy = _PROGRAMS["haproxy"], "-db", "-f", str(here / "haproxy.cfg")
            with process(*nginx), process(*haproxy):
                until_there([here / f"{way}.sock" for way in WAYS])
                yield f"http://127.0.0.1:{front}"
            breaking.stdout.close()


@contextmanager
def process(*command: str | None, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends."""
    running = subprocess.Popen([str(part) for part in command], **options)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(_START_SECONDS)


def until_there(paths: list[Path]) -> None:
    until = time.monotonic() + _START_SECONDS
    while not all(path.exists() for path in paths):
        assert time.monotonic() < until, f"not all of {paths} are there"
        time.sleep(0.02)

"""An nginx before the servers, which holds back what they stream, whatever they ask for."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from puras.server.worker.process.processes import children

from .free_port import free_port

_CONFIGURATION = """\
{user}daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 2000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream puras {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 100m;
    location / {{
      proxy_pass http://puras;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering on;
      proxy_ignore_headers X-Accel-Buffering;
      proxy_read_timeout 20s;
    }}
  }}
}}
"""


@dataclass
class Front:
    """Where clients come in. `break_lines` ends every connection through half of it."""

    url: str
    process: subprocess.Popen[bytes]

    def break_lines(self) -> None:
        """Kill its oldest worker, as memory that ran out would; the master starts another."""
        for worker in children(self.process.pid)[:1]:
            os.kill(worker, signal.SIGKILL)


@contextmanager
def front(folder: Path, urls: Sequence[str]) -> Iterator[Front | None]:
    """Run it for the length of the block; None where there is no nginx."""
    if (nginx := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")) is None:
        yield None
        return
    folder.mkdir()
    port = free_port()
    servers = " ".join(f"server {urlsplit(url).netloc} max_fails=0;" for url in urls)
    user = "user root;\n" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, port=port, servers=servers, user=user)
    )
    command = [nginx, "-p", folder, "-c", configuration, "-e", folder / "error.log"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    made = Front(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_it_listens(made)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_it_listens(made: Front) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", urlsplit(made.url).port or 0)).close()
            return
        except OSError:
            assert made.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)

"""Real proxies before servers, set up as the documentation says: its blocks are what they read."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "howto" / "proxy.md"
NAMES = ("nginx", "caddy")
_START_SECONDS = 30
_AROUND_NGINX = """\
daemon off; master_process off; error_log stderr error; pid {here}/pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
  fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
  include {here}/puras.conf;
}}
"""
_BEFORE_CADDY = "{\n    admin off\n    auto_https off\n}\n"


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def proxy(name: str, port: int, servers: Sequence[str]) -> Iterator[str]:
    """Run a proxy in front of servers (`host:port`), until the block ends; give its address."""
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"there is no {name} on this machine")
    with tempfile.TemporaryDirectory(prefix="puras-proxy-") as folder:
        here = Path(folder)
        write = _nginx if name == "nginx" else _caddy
        command = [program, *write(here, port, servers)]
        home = {"PATH": os.environ["PATH"], "HOME": folder}
        with (here / "log").open("w") as log:
            process = subprocess.Popen(command, env=home, stdout=log, stderr=log)
        try:
            _until_it_listens(port, process, here / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _nginx(here: Path, port: int, servers: Sequence[str]) -> list[str]:
    text = _documented("puras.conf")
    text = re.sub(r"^    server 10\..*\n", "", text, flags=re.MULTILINE)
    ours = "".join(f"    server {server} max_fails=1 fail_timeout=2s;\n" for server in servers)
    text = text.replace("upstream puras {\n", f"upstream puras {{\n{ours}")
    text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
    text = re.sub(r"^    ssl_.*\n", "", text, flags=re.MULTILINE)
    (here / "puras.conf").write_text(text)
    (here / "nginx.conf").write_text(_AROUND_NGINX.format(here=here))
    return ["-p", str(here), "-c", str(here / "nginx.conf")]


def _caddy(here: Path, port: int, servers: Sequence[str]) -> list[str]:
    text = _documented("puras.caddy").replace("puras.example.com {", f"http://127.0.0.1:{port} {{")
    text = text.replace("10.0.0.11:8787 10.0.0.12:8787", " ".join(servers))
    (here / "Caddyfile").write_text(_BEFORE_CADDY + text)
    return ["run", "--config", str(here / "Caddyfile"), "--adapter", "caddyfile"]


def _documented(file: str) -> str:
    """Return a file as the page has it, with only certificates and addresses to be put in."""
    return next(block.text for block in blocks(PAGE) if block.file == file)


def _until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            lives = process.poll() is None and time.monotonic() < deadline
            assert lives, log.read_text()
            time.sleep(0.05)

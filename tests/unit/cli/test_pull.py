"""`pull`: a bundle back as a folder, and nothing of it outside of that."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from .conftest import Run
from .loopback import Loopback

PULL = "/v1/skillpacks/pack/deployments/pull"
SKILL = "description: x\nentrypoint: main.py:run\n"


def archive(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("hello/skill.yaml", SKILL)
        for name, text in files.items():
            made.writestr(name, text)
    return out.getvalue()


@contextmanager
def files(content: bytes, *, status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Serve bytes at one URL, and note which headers came."""
    headers: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.extend(name.lower() for name in self.headers)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/bundle", headers
        finally:
            http.shutdown()
            thread.join()


def test_a_bundle_becomes_a_folder_and_the_key_stays_here(puras: Run, server: Loopback) -> None:
    with files(archive()) as (url, headers):
        server.script(f"GET {PULL}", {"download_url": url, "version": 3})
        result = puras("pull", "pack", "--version", "3")
    assert result.stdout == "Version 3 is in pack.\n", result.stderr
    assert Path("pack/hello/skill.yaml").read_text() == SKILL
    assert server.asked("GET", PULL)[0].query == {"version": "3"}
    assert "authorization" not in headers


def test_the_folder_may_be_named(puras: Run, server: Loopback) -> None:
    with files(archive()) as (url, _):
        server.script(f"GET {PULL}", {"download_url": url, "version": 1})
        assert puras("pull", "pack", "here/there").exit_code == 0
    assert Path("here/there/hello/skill.yaml").exists()


def test_a_folder_with_something_in_it_is_left_alone(puras: Run, server: Loopback) -> None:
    Path("pack").mkdir()
    Path("pack/mine.txt").write_text("mine")
    result = puras("pull", "pack")
    assert result.exit_code == 2
    assert server.seen == []
    assert [path.name for path in Path("pack").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt"])
def test_an_archive_that_leads_outside_leaves_nothing(
    puras: Run, server: Loopback, name: str
) -> None:
    with files(archive(**{name: "x"})) as (url, _):
        server.script(f"GET {PULL}", {"download_url": url, "version": 1})
        result = puras("pull", "pack")
    assert result.exit_code == 1
    assert "can't be unpacked" in result.stderr
    assert list(Path().rglob("*")) == []


def test_an_answer_that_is_no_bundle_is_told(puras: Run, server: Loopback) -> None:
    body = b'{"detail": "it has expired", "code": "bad_signature", "request_id": "r"}'
    with files(body, status=403) as (url, _):
        server.script(f"GET {PULL}", {"download_url": url, "version": 1})
        result = puras("pull", "pack")
    assert result.exit_code == 3
    assert "it has expired" in result.stderr

"""The helpers outside of a run say what to do instead of failing in some odd way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from puras import drive, job, load_bytes, log, progress, step, subagent
from puras.errors import PurasConnectionError, PurasError


@pytest.mark.parametrize(
    "use",
    [
        lambda: log("x"),
        lambda: progress(0.5),
        lambda: step("x"),
        lambda: job.id,
        lambda: job.inputs,
        lambda: drive.read("x"),
        lambda: drive.write("x", b""),
        lambda: drive.list(),
        lambda: subagent.run("x"),
        lambda: load_bytes("https://example.com/"),
    ],
)
def test_every_helper_says_that_this_is_no_run(
    use: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PURAS_SOCKET", "PURAS_JOB_ID", "PURAS_JOB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PurasError, match="only while Puras runs the skill"):
        use()


def test_a_worker_that_is_gone_is_a_connection_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PURAS_SOCKET", str(tmp_path / "puras.sock"))
    monkeypatch.setenv("PURAS_JOB_TOKEN", "token")
    with pytest.raises(PurasConnectionError, match="is gone"):
        log("x")


def test_bytes_and_data_uris_load_without_a_run() -> None:
    assert load_bytes(b"as they are") == b"as they are"
    assert load_bytes("data:text/plain,a%20b") == b"a b"

"""Answering what an agent asks, from the command line and from the terminal that watches."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from .conftest import Run
from .loopback import KEY, NOW, Loopback, an_id


def an_approval(server: Loopback, job_id: str, **more: Any) -> dict[str, Any]:
    """Let a job have asked for something."""
    approval = {
        "id": an_id(500),
        "job_id": job_id,
        "tool_call_id": "1.0",
        "tool_name": "refund",
        "tool_input": {"order": 7},
        "status": "pending",
        "reason": None,
        "created_at": NOW,
        "expires_at": NOW,
        "decided_at": None,
    } | more
    server.script(f"GET /v1/jobs/{job_id}/approvals", [approval])
    return approval


def test_a_jobs_approvals_are_listed(puras: Run, server: Loopback) -> None:
    job = server.add_job()
    an_approval(server, job["id"])
    done = puras("approvals", job["id"])
    assert done.exit_code == 0
    assert done.stdout.split("\t")[:4] == [an_id(500), "pending", "refund", '{"order": 7}']


def test_a_job_that_asked_nothing_is_told_as_such(puras: Run, server: Loopback) -> None:
    server.script(f"GET /v1/jobs/{an_id(300)}/approvals", [])
    done = puras("approvals", an_id(300))
    assert "asked for no approval" in done.stderr


def test_approve_and_deny_send_the_decision_and_its_reason(puras: Run, server: Loopback) -> None:
    path = f"/v1/approvals/{an_id(500)}"
    for command, decision in (("approve", "approved"), ("deny", "denied")):
        server.script(f"POST {path}", an_approval(server, an_id(300), status=decision))
        done = puras(command, an_id(500), "--reason", "because")
        assert f"refund is {decision}" in done.stdout
        assert server.asked("POST", path)[-1].json == {"decision": decision, "reason": "because"}


def test_an_answer_that_comes_too_late_says_what_holds(puras: Run, server: Loopback) -> None:
    server.refuse(
        f"POST /v1/approvals/{an_id(500)}", 409, "already_decided", detail="it is denied already"
    )
    done = puras("approve", an_id(500))
    assert (done.exit_code, "it is denied already" in done.stderr) == (1, True)


def test_in_a_pipe_a_run_tells_how_to_answer(puras: Run, server: Loopback) -> None:
    server.say(
        "approval_required",
        approval_id=an_id(500),
        tool_name="refund",
        tool_input={"order": 7},
        expires_at="2026-11-25T12:30:00.000000+00:00",
    )
    server.say("approval_decided", approval_id=an_id(500), status="expired")
    done = puras("run", "g/hello")
    assert f"puras approve {an_id(500)}, or puras deny {an_id(500)}" in done.stderr
    assert 'refund {"order": 7} waits for an answer until 12:30:00' in done.stderr
    assert "expired" in done.stderr


def on_a_terminal(server: Loopback, home: Path, *, answer: str) -> str:
    """Watch a run that asks, at a terminal where `answer` is typed; return what was drawn."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        "PURAS_API_BASE": server.base,
        "PURAS_API_KEY": KEY,
    }
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "puras.cli.main", "run", "g/hello"]
    with subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        limit = threading.Timer(30, process.kill)
        limit.start()
        drawn = b""
        while chunk := _read(ours):
            drawn += chunk
            if b"[y/n]" in drawn and answer:
                os.write(ours, answer.encode())
                answer = ""
        os.close(ours)
        process.communicate(timeout=20)
        limit.cancel()
    return drawn.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the last writer has closed it
        return b""


def asking(server: Loopback, **more: Any) -> str:
    """Let the next run ask, and return the path that its answer is sent to."""
    path = f"/v1/approvals/{an_id(500)}"
    server.say("approval_required", approval_id=an_id(500), tool_name="refund", tool_input={})
    approval = an_approval(server, an_id(300), **more)
    server.script(f"POST {path}", approval)
    return path


def test_on_a_terminal_a_run_asks_and_sends_the_answer(server: Loopback, tmp_path: Path) -> None:
    path = asking(server)
    drawn = on_a_terminal(server, tmp_path, answer="y\n")
    assert 'May it use refund with {"order": 7}?' in drawn
    (sent,) = server.asked("POST", path)
    assert json.loads(sent.body)["decision"] == "approved"


def test_on_a_terminal_what_was_answered_elsewhere_is_not_asked(
    server: Loopback, tmp_path: Path
) -> None:
    path = asking(server, status="approved")
    drawn = on_a_terminal(server, tmp_path, answer="y\n")
    assert "May it use" not in drawn
    assert server.asked("POST", path) == []

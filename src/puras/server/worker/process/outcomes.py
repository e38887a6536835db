"""Decides what a run came to, from its reply and from how its process ended. Pure."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

from puras.server.worker.isolation.layers import MAX_TASKS
from puras.server.worker.spec import Failed, Lost, Outcome, Succeeded

_SKILL_FAILED = "the skill's code failed; its publisher can see why in the job's log"
_CODES = frozenset({"function_error", "output_invalid", "out_of_memory"})


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its wait status, None when it went with its warm parent; `why` names the
    limit for which the warm parent killed it."""

    status: int | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is known of a run at its end."""

    reply: dict[str, Any] | None = None
    exit: Exit | None = None
    timed_out_seconds: float | None = None
    killed: bool = False
    over_bytes: int | None = None
    unreadable: str | None = None


def outcome_of(verdict: Verdict, *, any_result: bool = False) -> Outcome:
    """Say what a run came to; `any_result` lets it return what is no object."""
    if verdict.killed:
        return Lost("the run's processes were killed by the worker")
    if verdict.timed_out_seconds is not None:
        return _failed(
            "timeout",
            f"the run took longer than its {verdict.timed_out_seconds:g} s: raise "
            "`timeout_seconds` in skill.yaml, or let it do less",
        )
    if verdict.over_bytes is not None:
        return _failed(
            "function_error",
            f"the run had more than {verdict.over_bytes >> 20:,} MiB in its folder and was "
            "stopped: let it delete what it needs no more, or write less",
        )
    if verdict.unreadable is not None:
        return _failed("output_invalid", verdict.unreadable)
    if verdict.reply is not None:
        return _from_reply(verdict.reply, any_result=any_result)
    return _from_exit(verdict.exit or Exit(None))


def _from_reply(reply: dict[str, Any], *, any_result: bool) -> Outcome:
    if "error" in reply:
        code = reply.get("code")
        return Failed(
            error_code=code if code in _CODES else "function_error",
            error=str(reply["error"]),
            public_error=str(reply.get("public_error") or _SKILL_FAILED),
        )
    result = reply.get("result")
    if any_result:
        return Succeeded(result)
    if result is None:
        return Succeeded({})
    if not isinstance(result, dict):
        return _failed(
            "output_invalid",
            f"the function returned {_JSON_NAMES.get(type(result), 'something else')}: "
            "return a dict with a key for each output",
        )
    return Succeeded(result)


_JSON_NAMES: dict[type, str] = {
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


def _from_exit(ended: Exit) -> Outcome:
    if ended.status is None:
        return Lost("the run went away with its warm parent")
    if ended.why == "processes":
        return _failed(
            "function_error",
            f"the run had more than {MAX_TASKS} processes and threads and was stopped",
        )
    code = os.waitstatus_to_exitcode(ended.status)
    if ended.why == "memory" or code == -signal.SIGKILL:
        return _failed(
            "out_of_memory", "the run was killed because it needed more memory than a run may have"
        )
    if code < 0:
        return _failed("function_error", f"the run's process was ended by {_signal_name(-code)}")
    return _failed(
        "function_error", f"the run's process ended with exit code {code} instead of returning"
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _failed(code: str, sentence: str) -> Failed:
    return Failed(code, sentence, sentence)

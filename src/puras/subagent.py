"""Run another skill from inside of a skill, as a job of its own below this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puras import _channel
from puras.errors import JobError


def run(
    target: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    prompt: str | None = None,
    version: int | None = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """Run a skill, or a one-off `prompt`, to its end and return its result.

    `target` is `skill` (a subskill of this one, or a skill of this skillpack), `skillpack/skill`,
    `workspace/skillpack/skill`, or a prompt file of this skill such as `references/tone.md`. A
    prompt, or a prompt file, runs as an agent and gives `{"answer": …}`. `version` pins a
    deployment; `timeout` is in seconds, None: as long as this run may take. A later attempt at
    this job gets the result of a child that was done and does not run it again.

    Raises:
        ValueError: not exactly one of `target` and `prompt` was given.
        JobError: the child failed, was cancelled or was not over at the timeout; `.job` is it.
    """
    if (target is None) == (prompt is None):
        raise ValueError("pass either the target's name or a prompt")
    arguments = {
        "target": target,
        "inputs": dict(inputs or {}),
        "prompt": prompt,
        "version": version,
    }
    occurrence = _channel.count("subagent.run", arguments).occurrence
    job = _channel.call(
        "subagent.run",
        **arguments,
        timeout=timeout,
        occurrence=occurrence,
        span=_channel.current_span(),
    )
    if job["status"] != "succeeded":
        raise JobError(job)
    return dict(job["result"] or {})

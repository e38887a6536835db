"""The keys of `skill.yaml`: which there are, who may have them, what they hold.

Keys whose values have rules of their own (`entrypoint`, the schemas, `examples`, `tools`, `evals`)
are only named here. `guardrails` and `marketing` are kept as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from puras.bundle.faults import Findings, did_you_mean, listed
from puras.wire import MAX_CONCURRENCY, JobType

Check = Callable[[Any], str | None]

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
MODEL = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._:-]*)+")


def _anything(value: Any) -> str | None:
    return None


def is_text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "write a text"


def is_flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "write `true` or `false`"


def is_model(value: Any) -> str | None:
    fits = isinstance(value, str) and MODEL.fullmatch(value)
    return None if fits else "write a model as `family/variant`, such as `anthropic/claude-sonnet`"


def is_seconds(value: Any) -> str | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = is_number and math.isfinite(value) and value > 0
    return None if fits else "write a number of seconds above 0"


def is_count(value: Any) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if fits else "write a whole number above 0"


def is_concurrency(value: Any) -> str | None:
    fits = is_count(value) is None and value <= MAX_CONCURRENCY
    return None if fits else f"write a whole number from 1 to {MAX_CONCURRENCY:,}"


def is_texts(value: Any) -> str | None:
    fits = isinstance(value, list) and all(is_text(entry) is None for entry in value)
    return None if fits else "write a list of names"


def is_variables(value: Any) -> str | None:
    if is_texts(value) is not None:
        return "write a list of names, such as `[OPENAI_API_KEY]`"
    wrong = [name for name in value if not VARIABLE.fullmatch(name)]
    if wrong:
        return f"{listed(wrong)} can't be a secret's name: use A-Z, 0-9 and `_`, no digit first"
    reserved = [name for name in value if name == "PATH" or name.startswith("PURAS_")]
    return f"{listed(reserved)} can't be set as a secret: choose another name" if reserved else None


def one_of(*options: str) -> Check:
    def check(value: Any) -> str | None:
        fits = isinstance(value, str) and value in options
        return None if fits else f"write one of {listed(options)}{did_you_mean(value, options)}"

    return check


@dataclass(frozen=True, slots=True)
class Key:
    """What a key holds, and which kind of skill alone may have it."""

    check: Check
    only: JobType | None = None


KEYS: Final[Mapping[str, Key]] = {
    "title": Key(is_text),
    "description": Key(is_text),
    "entrypoint": Key(is_text),
    "text_model": Key(is_model),
    "model": Key(is_model),
    "image_model": Key(is_model),
    "video_model": Key(is_model),
    "audio_model": Key(is_model),
    "input_schema": Key(_anything),
    "output_schema": Key(_anything),
    "examples": Key(_anything),
    "timeout_seconds": Key(is_seconds),
    "process": Key(one_of("fresh", "warm"), only="function"),
    "concurrency": Key(is_concurrency),
    "env": Key(is_variables),
    "secrets": Key(is_variables),
    "bash_secrets": Key(is_variables, only="agentic"),
    "disable_bash": Key(is_flag, only="agentic"),
    "tools": Key(_anything, only="agentic"),
    "allowed_tools": Key(is_texts, only="agentic"),
    "tool_limits": Key(_anything, only="agentic"),
    "routing": Key(_anything, only="agentic"),
    "cache_ttl": Key(one_of("5m", "1h"), only="agentic"),
    "evals": Key(_anything),
    "guardrails": Key(_anything, only="agentic"),
    "marketing": Key(_anything),
}
"""Every key of `skill.yaml`."""


def check_keys(fields: Mapping[str, Any], *, kind: JobType, findings: Findings) -> None:
    """Note unknown keys, keys of the other kind of skill, and values that can't be."""
    for name, value in fields.items():
        key = KEYS.get(name)
        if key is None:
            hint = did_you_mean(name, KEYS) or ": remove it"
            findings.add(f"there is no key `{name}`{hint}", name)
        elif key.only not in (None, kind):
            findings.add(f"`{name}` is for {key.only} skills alone, and this is {kind}", name)
        elif message := key.check(value):
            findings.add(message, name)
    if "model" in fields and "text_model" in fields:
        findings.add("`model` is another word for `text_model`: write one of them", "model")


def check_fields(
    fields: Any, *steps: str | int, known: Mapping[str, Check], findings: Findings
) -> bool:
    """Note what is wrong with a mapping inside of the file; tell whether it is one at all."""
    if not isinstance(fields, dict):
        findings.add(f"write a mapping with {listed(known)}", *steps)
        return False
    for name, value in fields.items():
        if name not in known:
            hint = did_you_mean(name, known) or f": the keys are {listed(known)}"
            findings.add(f"there is no key `{name}`{hint}", *steps, name)
        elif message := known[name](value):
            findings.add(message, *steps, name)
    return True

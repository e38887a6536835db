"""What an agent is told before its first turn: the skill's own words, then the runtime's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from puras.server.agent.messages import FilePart, UserMessage
from puras.wire import ManifestSkill

_MOST_LISTED = 200

_RULES = """\
# How this run works
- You work alone, in turns; nobody reads what you write but the log. Use your tools.
- Call several tools in one turn where they do not wait for each other.
- Files: relative paths lie in the working directory of this run. The skill's own files are \
read-only. A result names a file by its drive path; `drive_url` gives one to a file of the working \
directory.
- The run ends when you call `set_output` with an object that fits its schema; nothing else ends \
it. What does not fit comes back to you with every fault: mend these and call it again."""


def system_prompt(
    instructions: str, skill: ManifestSkill, *, files: Sequence[str], memories: str
) -> str:
    """Return the system prompt. `files` are the skill's own, `memories` what it remembers."""
    parts = [instructions.strip(), _RULES, _output_contract(skill)]
    if files:
        parts.append(_listing(files))
    if memories:
        parts.append(f"# What earlier runs remembered\n{memories.strip()}")
    return "\n\n".join(part for part in parts if part)


def first_message(
    skill: ManifestSkill, inputs: Mapping[str, Any], shown: Sequence[FilePart]
) -> UserMessage:
    """Return the message that hands over the inputs, with the files that a model may look at."""
    properties = skill["input_schema"].get("properties", {})
    types = [
        f"- `{name}` ({_type_of(schema)}): {schema['description']}"
        for name, schema in properties.items()
        if isinstance(schema, Mapping) and schema.get("description")
    ]
    lines = ["The inputs of this run:", "```json", _json(inputs), "```", *types]
    if shown:
        lines.append("Attached, in this order: " + ", ".join(part["drive_path"] for part in shown))
    return UserMessage(role="user", text="\n".join(lines), files=list(shown))


def reminder() -> UserMessage:
    """Return what a model reads that stopped without its output."""
    text = (
        "You stopped without calling `set_output`, and this run ends with nothing else. If the "
        "work is done, call it now with the whole output; otherwise go on with your tools."
    )
    return UserMessage(role="user", text=text, files=[])


def _output_contract(skill: ManifestSkill) -> str:
    schema = skill["output_schema"]
    if schema is None:
        return ""
    return (
        "# The output\nIts fields and their types (image, video, audio and file stand for drive "
        f"paths or URLs):\n```json\n{_json(schema)}\n```"
    )


def _listing(files: Sequence[str]) -> str:
    shown = "\n".join(f"- {name}" for name in files[:_MOST_LISTED])
    more = len(files) - _MOST_LISTED
    rest = f"\n- … and {more} more" if more > 0 else ""
    return f"# The skill's own files\nRead them with `file_read` when you need them:\n{shown}{rest}"


def _type_of(schema: Mapping[str, Any]) -> str:
    named = schema.get("type", "any")
    return " or ".join(named) if isinstance(named, list) else str(named)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)

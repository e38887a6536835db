"""The tool `todo_write`: the agent's own list of what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.tools.checked import checked_tool, takes
from puras.server.worker.run import Run

MAX_ITEMS = 50
_MARKS = {"pending": "[ ]", "in_progress": "[>]", "done": "[x]"}

_DESCRIPTION = f"""\
Write down the whole list of what is to be done, each time anew, when a task has three or more \
parts. Have one item `in_progress` at a time and mark it `done` as soon as it is. The caller sees \
how far you are. At most {MAX_ITEMS} items."""

_SCHEMA = takes(
    {
        "items": {
            "type": "array",
            "maxItems": MAX_ITEMS,
            "items": takes(
                {
                    "text": {"type": "string", "minLength": 1, "maxLength": 500},
                    "status": {"enum": list(_MARKS)},
                }
            ),
        }
    }
)


@dataclass(slots=True)
class Todo:
    """The list. `dump` gives it as JSON, `load` takes it back."""

    items: list[dict[str, str]] = field(default_factory=list)

    def dump(self) -> list[dict[str, str]]:
        return [dict(item) for item in self.items]

    @classmethod
    def load(cls, items: list[dict[str, str]]) -> Todo:
        return cls([dict(item) for item in items])

    @property
    def done(self) -> int:
        return sum(item["status"] == "done" for item in self.items)

    def text(self) -> str:
        """Return the list as lines."""
        return "\n".join(f"{_MARKS[item['status']]} {item['text']}" for item in self.items)

    def progress(self) -> dict[str, Any]:
        """Return how far it is, as the payload of a `progress` event."""
        current = next((item for item in self.items if item["status"] == "in_progress"), None)
        told = {"message": current["text"]} if current is not None else {}
        return {"fraction": self.done / len(self.items), **told}


def todo_tools(run: Run, todo: Todo) -> list[Tool]:
    async def todo_write(use: ToolUse) -> Reply:
        before = todo.done
        todo.items = [_item(item) for item in use.input["items"]]
        if todo.items and todo.done != before:
            run.host.emit("progress", todo.progress())
        return Reply(todo.text() or "the list is empty")

    return [checked_tool("todo_write", _DESCRIPTION, _SCHEMA, todo_write, mutates="todo")]


def _item(given: Mapping[str, Any]) -> dict[str, str]:
    return {"text": given["text"], "status": given["status"]}

"""The tool `bash`: commands in the run's isolation."""

from __future__ import annotations

from puras.server.agent.hands import Hands
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.tools.checked import checked_tool, takes
from puras.server.worker.run import Run

DEFAULT_SECONDS = 120
MAX_SECONDS = 600
_GRACE_SECONDS = 15
FILES = "files"
"""What tools mutate that change the working directory: those of one turn take turns."""

_DESCRIPTION = f"""\
Run a command with bash in the working directory and return its exit code and output \
(stdout and stderr together; above 30,000 characters the middle is cut and the whole is in a file \
that the answer names). Each command starts anew in the working directory: `cd` and variables do \
not carry over, and what it starts in the background ends with it. Files stay for the whole run. \
Only the working directory, $HOME and $TMPDIR can be written; the skill's own files (also at \
$SKILL_DIR) can be read and run. `python` is the one with the skill's packages. A command has \
{DEFAULT_SECONDS} seconds unless `timeout_seconds` gives it up to {MAX_SECONDS}. There is no \
terminal and no input: pass what a program would ask for."""

_SCHEMA = takes(
    {"command": {"type": "string", "minLength": 1, "examples": ["ls"]}},
    {
        "timeout_seconds": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_SECONDS,
            "default": DEFAULT_SECONDS,
        }
    },
)


def bash_tools(run: Run, hands: Hands) -> list[Tool]:
    """Return `bash`, unless the skill has `disable_bash`."""
    if run.skill["extra"].get("disable_bash"):
        return []

    async def bash(use: ToolUse) -> Reply:
        seconds = float(use.input["timeout_seconds"])
        answer = await hands.call(
            "bash",
            {"command": use.input["command"], "seconds": seconds},
            timeout=seconds + _GRACE_SECONDS,
            changes=True,
        )
        return Reply(answer.text, ok=answer.ok)

    return [checked_tool("bash", _DESCRIPTION, _SCHEMA, bash, mutates=FILES)]

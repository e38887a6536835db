"""Starts a program inside the isolation: a warm parent, or `uv` while it builds an environment.

Nothing of a deployment runs outside of it, its interpreter included: an environment may hold code
that runs when Python starts. So the server's own interpreter takes every layer, and only then
becomes the program. Standard library only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import puras
from puras.server.worker.isolation import kernel, layers

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from puras.server.worker.process.confined import main\n"
    "main(*sys.argv[2:])"
)


def command_line(policy: layers.Policy, command: Sequence[str]) -> list[str]:
    """Return what this process starts to get a command inside the isolation."""
    package = Path(puras.__path__[0]).resolve().parent
    fields = json.dumps(asdict(policy))
    return [sys.executable, "-I", "-c", _BOOT, str(package), str(os.getpid()), fields, *command]


def main(parent: str, fields: str, *command: str) -> None:
    """Isolate this process, then become the command. For a process of its own."""
    policy = layers.Policy.read(json.loads(fields))
    end_signal = signal.SIGKILL if policy.namespaces else signal.SIGTERM
    kernel.die_with_parent(end_signal)
    if os.getppid() != int(parent):
        return
    layers.confine(policy)
    # A change of user forgets the wish.
    kernel.die_with_parent(end_signal)
    os.execv(command[0], command)

"""Where requests come in, and how many connections there may be: each open stream is one."""

from __future__ import annotations

import socket
import sys

STALL_SECONDS = 300
"""A connection whose reader has taken nothing for so long is closed; a stream is then resumed."""
MAX_OPEN_FILES = 65_536


def listen(host: str, port: int, *, stall_seconds: int = STALL_SECONDS) -> socket.socket:
    """Open the socket that requests come in by. Raises OSError where the address can't be had."""
    listener = socket.create_server(
        (host, port),
        family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        backlog=2048,
    )
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # what is accepted inherits it, on Linux
        milliseconds = stall_seconds * 1000
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listener


def raise_open_files() -> None:
    """Let this process have as many files open as the system allows: it starts with 1,024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

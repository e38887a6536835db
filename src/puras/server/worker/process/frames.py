"""Messages between the worker and its processes: JSON behind a length of four bytes.

A run's channel speaks so; the warm parent's control socket keeps message boundaries by itself and
carries bare JSON. This is the blocking half; the worker's is in `process`.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEADER = struct.Struct("!I")


def encode(value: Any) -> bytes:
    """Encode a value with its length in front."""
    body = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def receive(channel: socket.socket, *, descriptors: int = 0) -> tuple[Any, list[int]] | None:
    """Read one message and the descriptors that came with it; None when the other end is closed."""
    flags = socket.MSG_CMSG_CLOEXEC
    head, fds, _, _ = socket.recv_fds(channel, HEADER.size, descriptors, flags)
    if not head:
        return None
    head += _read(channel, HEADER.size - len(head))
    return json.loads(_read(channel, HEADER.unpack(head)[0])), fds


def _read(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError("the worker closed the channel in the middle of a message")
        parts += part
    return bytes(parts)

"""Archives that no honest tool would write: each field of each entry as one likes it."""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

UTF8 = 0x800


@dataclass(frozen=True)
class Entry:
    """One file of an archive; what is None is told as it is."""

    name: bytes
    data: bytes = b""
    flags: int = UTF8
    method: int = 8
    mode: int = stat.S_IFREG | 0o644
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None
    offset: int | None = None

    @property
    def packed(self) -> bytes:
        if self.method != 8:
            return self.data
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(self.data) + deflate.flush()

    @property
    def sums(self) -> bytes:
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        packed_size = len(self.packed) if self.packed_size is None else self.packed_size
        size = len(self.data) if self.size is None else self.size
        return struct.pack("<3L", crc, packed_size, size)


def crafted(entries: Sequence[Entry]) -> bytes:
    """Write an archive with the entries one after the other."""
    body, listing = bytearray(), bytearray()
    for entry in entries:
        offset = len(body) if entry.offset is None else entry.offset
        local_name = entry.name if entry.local_name is None else entry.local_name
        head = struct.pack("<5H", 20, entry.flags, entry.method, 0, 33) + entry.sums
        body += b"PK\x03\x04" + head + struct.pack("<2H", len(local_name), 0) + local_name
        body += entry.packed
        tail = struct.pack("<5H2L", len(entry.name), 0, 0, 0, 0, entry.mode << 16, offset)
        listing += b"PK\x01\x02" + struct.pack("<H", 0x314) + head + tail + entry.name
    count = len(entries) & 0xFFFF
    end = struct.pack("<4H2LH", 0, 0, count, count, len(listing), len(body), 0)
    return bytes(body + listing) + b"PK\x05\x06" + end

"""PNG in a few lines: a picture is a list of rows, a row is a list of (red, green, blue)."""

import struct
import zlib

Pixel = tuple[int, int, int]
Picture = list[list[Pixel]]


def encode(picture: Picture) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    width, height = len(picture[0]), len(picture)
    # Each row begins with 0: it is not filtered.
    rows = b"".join(b"\0" + bytes(channel for pixel in row for channel in pixel) for row in picture)
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

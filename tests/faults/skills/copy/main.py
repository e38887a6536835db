from typing import Any

from puras import drive, load_bytes


def run(n: int, file: Any) -> dict[str, Any]:
    content = load_bytes(file)
    assert drive.read(drive.write("copy.bin", content)) == content
    return {"n": n, "size": len(content), "file": drive.write("twice.bin", content * 2)}

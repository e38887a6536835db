"""Write the synchronous client, and its tests, from the asynchronous ones.

It works on tokens: `async` and `await` go, some names change, lines marked `# async only` are left
out; everything else stays as it is, and ruff formats the result.

    python scripts/unasync.py            write the generated files
    python scripts/unasync.py --check    fail if one of them is not what would be written
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from tokenize import TokenInfo

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "src/puras/client"
TESTS = ROOT / "tests/unit/client"

NAMES = {
    "AsyncClient": "Client",
    "AsyncEvents": "Events",
    "AsyncIterator": "Iterator",
    "AsyncPuras": "Puras",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__anext__": "__next__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_bytes": "iter_bytes",
    "anext": "next",
    "_async": "_sync",
    "anyio": "time",
    "async_body": "body",
    "async_puras": "sync_puras",
    "aread": "read",
    "new_async_client": "new_client",
}
HEADER = """# Generated from {origin} by scripts/unasync.py: edit that file.
# ruff: noqa: SIM117, RUF100
"""
GONE = {"async", "await"}
REWRITTEN = {tokenize.NAME, tokenize.STRING, tokenize.COMMENT}
WORDS = re.compile(r"\b(" + "|".join(NAMES) + r")\b")
PHRASES = {"`await close()`": "`close()`", "an `async with`": "a `with`", ", with `await`": ""}
FIXES = "I,F401,F841,UP028"
DROPPED_LINE = re.compile(r"^.*# async only\n", re.MULTILINE)


def pairs() -> Iterator[tuple[Path, Path]]:
    """Yield each source with the file that is generated from it."""
    yield CLIENT / "_async.py", CLIENT / "_sync.py"
    for source in sorted(TESTS.glob("test_async_*.py")):
        yield source, source.with_name(source.name.replace("test_async_", "test_sync_"))


def generate(source: Path) -> str:
    text = DROPPED_LINE.sub("", source.read_text())
    origin = source.relative_to(ROOT).as_posix()
    return formatted(HEADER.format(origin=origin) + synchronous(text))


def synchronous(text: str) -> str:
    """Rewrite the tokens that differ and leave every byte between them alone."""
    line_starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
    pieces, done = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start = line_starts[token.start[0] - 1] + token.start[1]
        if start >= done and token.type in REWRITTEN:
            end = start + len(token.string)
            end += text[end : end + 1] == " " if token.string in GONE else 0
            pieces += [text[done:start], renamed(token)]
            done = end
    return "".join([*pieces, text[done:]])


def renamed(token: TokenInfo) -> str:
    if token.type != tokenize.NAME:
        return in_prose(token.string)
    return "" if token.string in GONE else NAMES.get(token.string, token.string)


def in_prose(text: str) -> str:
    for phrase, replacement in PHRASES.items():
        text = text.replace(phrase, replacement)
    return WORDS.sub(lambda match: NAMES[match[1]], text)


def formatted(text: str) -> str:
    for command in (["check", "--fix-only", "--unsafe-fixes", "--select", FIXES], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "-"]
        text = subprocess.run(
            ruff, input=text, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return text


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    for source, target in pairs():
        text = generate(source)
        if not target.exists() or target.read_text() != text:
            stale.append(target.relative_to(ROOT).as_posix())
            if not check:
                target.write_text(text)
    for name in stale:
        print(f"{name} {'is stale: run scripts/unasync.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

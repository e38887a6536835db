"""A real S3 server for tests: moto, in a process of its own. It does not look at signatures."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

_COMMAND = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
ACCESS_KEY, SECRET_KEY, REGION = "AKIATEST", "secret/with+signs", "eu-central-1"


@contextmanager
def s3_server() -> Iterator[str]:
    """Run the server inside of the block and give its address."""
    with subprocess.Popen(_COMMAND, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """Wait for the line that tells the address; go on reading, so that the pipe never fills up."""
    found: Queue[str] = Queue()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if match := re.search(r"Running on (http://\S+)", line):
                found.put(match[1])

    threading.Thread(target=read, daemon=True).start()
    return found.get(timeout=30)

"""A real S3 server for tests: moto, in a process of its own. It does not look at signatures."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from uuid import uuid4

import httpx2

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


def environment(endpoint: str) -> dict[str, str]:
    """Return the variables that lead to the server at an address."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
    }


def make_bucket(endpoint: str) -> str:
    """Make a new bucket and return the URL of a prefix in it."""
    bucket = f"puras-{uuid4()}"
    constraint = f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint>"
    made = httpx2.put(
        f"{endpoint}/{bucket}",
        content=f"{constraint}</CreateBucketConfiguration>",
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/s3/x"},
        timeout=120,
    )
    assert made.status_code == 200, made.text
    return f"s3://{bucket}/some/prefix"


def _address(process: subprocess.Popen[str]) -> str:
    """Wait for the line that tells the address; go on reading, so that the pipe never fills up."""
    found: Queue[str] = Queue()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if match := re.search(r"Running on (http://\S+)", line):
                found.put(match[1])

    threading.Thread(target=read, daemon=True).start()
    return found.get(timeout=120)

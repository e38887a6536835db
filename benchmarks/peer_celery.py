"""Celery on Redis as a contestant: `celery -A peer_celery worker`, and a caller that waits. Runs in
an environment of its own.

    PEER_REDIS=redis://127.0.0.1:6379/0 python peer_celery.py
"""

from __future__ import annotations

import os

from celery import Celery
from contestant import compete

app = Celery("peer_celery", broker=os.environ["PEER_REDIS"], backend=os.environ["PEER_REDIS"])


@app.task
def nothing() -> dict[str, str]:
    return {}


if __name__ == "__main__":
    compete(lambda: lambda: nothing.delay().get())

"""Gradio as a contestant: its server with its queue, and its client. Runs in an environment of its
own.

    python peer_gradio.py serve
    python peer_gradio.py call <url>
"""

from __future__ import annotations

import sys
import time

from contestant import Call, compete


def nothing() -> dict[str, str]:
    return {}


def work(seconds: float) -> dict[str, str]:
    time.sleep(seconds)
    return {}


def serve() -> None:
    import gradio

    with gradio.Blocks() as app:
        gradio.api(nothing, api_name="nothing", concurrency_limit=8)
        gradio.api(work, api_name="work", concurrency_limit=8)
    _, url, _ = app.queue().launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, share=False
    )
    print(url, flush=True)
    while True:
        time.sleep(3600)


def connect_to(url: str) -> Call:
    from gradio_client import Client

    client = Client(url, verbose=False)
    return lambda: client.predict(api_name="/nothing")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    compete(lambda: connect_to(sys.argv[2]))

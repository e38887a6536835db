"""Lets work go on beside a server until it is taken apart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from contextlib import AsyncExitStack


def beside(stack: AsyncExitStack, work: Coroutine[object, object, None], *, name: str) -> None:
    """Start something that has no end; `stack` ends it. The task has this name."""

    async def stop() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    task = asyncio.create_task(work, name=name)
    stack.push_async_callback(stop)

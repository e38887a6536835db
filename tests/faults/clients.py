"""Those who use the platform through the storm: one submits, two others follow, with both SDKs.

A client is patient, and no more than that: where no answer comes it asks again, with the same
idempotency key, or after the last event it has.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from puras import AsyncPuras, Job, JobEvent, Puras, PurasAPIError, PurasConnectionError

from .load import FILE_BYTES, Order

T = TypeVar("T")
_PAUSE_SECONDS = 0.3
_MOST_AT_ONCE = 120


@dataclass
class Told:
    """What the clients of one job were told."""

    order: Order
    job_id: str = ""
    ids: set[str] = field(default_factory=set)
    logs: list[list[JobEvent]] = field(default_factory=list)


class Clients:
    """All clients of one storm; each is done when its job is over and both have read its log."""

    def __init__(self, url: str, key: str) -> None:
        self._puras = Puras(key, "faults", api_base=url, timeout=30)
        self._async_puras = AsyncPuras(key, "faults", api_base=url, timeout=30)
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._gone = threading.Event()
        self._told: list[Told] = []
        self._done: list[Future[None]] = []

    def begin(self, orders: Sequence[Order]) -> None:
        """Begin to submit, each order at its moment."""
        self._thread.start()
        began = time.monotonic()
        for order in orders:
            told = Told(order)
            self._told.append(told)
            self._done.append(self._pool.submit(self._see_through, told, began))

    def finish(self, *, seconds: float) -> list[Told]:
        """Return what all were told, when all are done. Raises TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        for told, done in zip(self._told, self._done, strict=True):
            try:
                done.result(max(0.1, deadline - time.monotonic()))
            except TimeoutError:
                raise TimeoutError(f"order {told.order} is not done: {told.job_id}") from None
        return self._told

    def close(self) -> None:
        self._gone.set()
        self._puras.close()
        self._pool.shutdown(cancel_futures=True)
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _leave(self) -> None:
        following = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await self._async_puras.close()

    def _see_through(self, told: Told, began: float) -> None:
        order = told.order
        if self._gone.wait(max(0.0, began + order.at - time.monotonic())):
            return
        puras, inputs = self._puras, dict(order.inputs)
        if order.takes_file:
            content = bytes([order.n % 256]) * FILE_BYTES
            inputs["file"] = self._patiently(lambda: puras.upload(content))["drive_path"]
        told.job_id = self._submit(told, inputs).id
        other = asyncio.run_coroutine_threadsafe(self._follow(told.job_id), self._loop)
        if order.cancel_after is not None:
            self._gone.wait(order.cancel_after)
            self._patiently(lambda: puras.cancel(told.job_id))
        told.logs.append(self._read(told.job_id))
        told.logs.append(other.result())

    def _submit(self, told: Told, inputs: dict[str, object]) -> Job:
        order, key = told.order, f"order-{told.order.n}"
        for _ in range(1 + order.repeats):
            job = self._patiently(
                lambda: self._puras.submit(order.skill, inputs, idempotency_key=key)
            )
            told.ids.add(job.id)
        return job

    def _read(self, job_id: str) -> list[JobEvent]:
        seen: list[JobEvent] = []

        def go_on() -> None:
            seen.extend(self._puras.events(job_id, after_id=seen[-1].id if seen else 0))

        self._patiently(go_on)
        return seen

    async def _follow(self, job_id: str) -> list[JobEvent]:
        seen: list[JobEvent] = []
        while not self._gone.is_set():
            try:
                after = seen[-1].id if seen else 0
                async for event in self._async_puras.events(job_id, after_id=after):
                    seen.append(event)  # noqa: PERF401  # each counts, also where it breaks
                return seen
            except (PurasConnectionError, PurasAPIError) as error:
                _check_passing(error)
                await asyncio.sleep(_PAUSE_SECONDS)
        raise TimeoutError

    def _patiently(self, ask: Callable[[], T]) -> T:
        while not self._gone.wait(0):
            try:
                return ask()
            except (PurasConnectionError, PurasAPIError) as error:
                _check_passing(error)
                self._gone.wait(_PAUSE_SECONDS)
        raise TimeoutError


def _check_passing(error: PurasConnectionError | PurasAPIError) -> None:
    """Let pass what asking again may mend; anything else is a broken promise."""
    if not isinstance(error, PurasAPIError) or error.status >= 500:
        return
    # A server that is killed in the middle of an upload leaves its key "at work" for 15 s.
    if error.code != "idempotency_in_progress":
        raise error

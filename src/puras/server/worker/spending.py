"""Ends a run that may spend no more, also where its skill would rather go on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from puras.server.refusals import Refused

T = TypeVar("T")


class Spending:
    """What one attempt may spend: until a paid call was refused, whatever it asks for."""

    def __init__(self) -> None:
        self._refusal: Refused | None = None
        self._refused = asyncio.Event()

    def note(self, refusal: Refused) -> None:
        """Take notice of a refusal; one for the cost ends the run."""
        if refusal.code == "cost_limit":
            self._refusal = self._refusal or refusal
            self._refused.set()

    async def bound(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work of the attempt, unless a paid call of it is refused meanwhile.

        Raises:
            Refused: `cost_limit`; the work has been cancelled, and is over.
        """
        working = asyncio.ensure_future(work)
        refused = asyncio.ensure_future(self._refused.wait())
        try:
            await asyncio.wait({working, refused}, return_when=asyncio.FIRST_COMPLETED)
            if self._refusal is not None:
                raise self._refusal
            return await working
        finally:
            refused.cancel()
            working.cancel()
            await asyncio.gather(working, refused, return_exceptions=True)

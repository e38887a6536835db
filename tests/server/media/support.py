"""What tests of media share: a request on its way to a provider, without a run around it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from puras.server.media.adapt import Adapted, adapt
from puras.server.media.families import DRAFT, Family, packaged
from puras.server.media.providers.port import Call, Order, Reference
from puras.server.media.verbs import KINDS, read_request


def adapted(verb: str, *, slug: str = DRAFT, **arguments: Any) -> Adapted:
    return adapt(family(verb, slug), read_request(verb, arguments))


def family(verb: str, slug: str) -> Family:
    return packaged()[KINDS[verb]][slug]


class Noted:
    """Keeps what a provider notes of a call."""

    def __init__(self, note: Any = None) -> None:
        self.notes: list[Any] = []
        self.note = note

    async def remember(self, note: Any) -> None:
        self.notes.append(note)


def order(
    asked: Adapted, *, references: Sequence[Reference] = (), noted: Noted | None = None
) -> Order:
    noted = noted or Noted()

    async def give() -> Sequence[Reference]:
        return references

    folder = Path(tempfile.mkdtemp(prefix="puras-test-"))
    return Order(asked, folder, Call("puras-key", noted.note, noted.remember), give)

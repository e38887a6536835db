"""The seam between what is asked for and who makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from puras.server.media.adapt import Adapted

MAX_MEDIA_BYTES = 512 * 1024 * 1024
"""What one made file may have."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that a request names, as a local copy."""

    path: Path
    mime: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """How a call is found again: by a later attempt, and by a provider that keeps keys.

    idempotency_key  the same in every attempt
    note             what an earlier attempt remembered of it, or None
    remember         keeps a note, before the answer is there
    """

    idempotency_key: str
    note: Any
    remember: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Order:
    """One call to a provider.

    references  gives local copies of the request's files, in their order
    folder      where the made file is to lie; it is gone when the call is over
    """

    adapted: Adapted
    folder: Path
    call: Call
    references: Callable[[], Awaitable[Sequence[Reference]]]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard. Words are `{text, start, end}`, times in seconds."""

    text: str
    words: list[dict[str, Any]]
    language_code: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """What a provider made: a file, or a transcript. `request_id` is the provider's."""

    file: Path | None = None
    request_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    transcript: Transcript | None = None


class MediaFailed(Exception):
    """The provider could not make it, after its retries; the text is one sentence for the author.

    It never holds a key.
    """


class Provider(Protocol):
    """Makes media with the models of one provider."""

    def why_not(self) -> str | None:
        """Return None where it can be used now, else what is missing."""

    async def make(self, order: Order) -> Made:
        """Make what is ordered, or take up the making that `order.call.note` tells of.

        Raises:
            MediaFailed: the provider refused, or stayed away.
        """


Providers: TypeAlias = Mapping[str, Provider]
"""Name, as the catalogue has it → provider."""

"""Chooses the model of a request and has its provider make what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from puras.server.media.families import DRAFT, Catalogue, Family, unknown
from puras.server.media.providers.port import Made, MediaFailed, Order, Providers
from puras.server.media.verbs import MediaKind, MediaRequest
from puras.server.refusals import Refused


@dataclass(frozen=True, slots=True)
class Studio:
    """Models by kind, the operator's defaults, and the providers that are there."""

    catalogue: Catalogue
    defaults: Mapping[MediaKind, str | None]
    providers: Providers

    def choose(self, request: MediaRequest, wanted: Mapping[MediaKind, str | None]) -> Family:
        """Return the model of a request: its own, else what the skill wants, else the default.

        Raises:
            Refused: `invalid_request`, where there is no such model or it can't be used now.
        """
        slug = request.model or wanted.get(request.kind) or self.default(request.kind)
        if (family := self.catalogue[request.kind].get(slug)) is None:
            raise Refused("invalid_request", unknown(slug, request.kind, self.catalogue))
        if (why := self.why_not(family)) is not None:
            raise Refused("invalid_request", f"`{slug}` can't be used here: {why}")
        return family

    def default(self, kind: MediaKind) -> str:
        """Return the operator's default, else the first usable model, else the draft."""
        if (slug := self.defaults.get(kind)) is not None:
            return slug
        families = self.catalogue[kind].values()
        return next((one.slug for one in families if self.why_not(one) is None), DRAFT)

    def why_not(self, family: Family) -> str | None:
        """Return None for a model that can be used now, else a sentence that says why not."""
        provider = self.providers.get(family.provider)
        if provider is None:
            return f"this server has no provider `{family.provider}`"
        if family.price is None:
            return "it has no price: the operator sets one in the file that PURAS_MEDIA names"
        return provider.why_not()

    async def make(self, order: Order) -> Made:
        """Have it made.

        Raises:
            Refused: `media_failed`, with what the provider said.
        """
        family = order.adapted.family
        try:
            return await self.providers[family.provider].make(order)
        except MediaFailed as failure:
            raise Refused("media_failed", f"`{family.slug}` made nothing: {failure}") from None


def wanted_by(extra: Mapping[str, Any]) -> dict[MediaKind, str | None]:
    """Return the models that a skill's `skill.yaml` names, by kind."""
    return {
        "image": extra.get("image_model"),
        "video": extra.get("video_model"),
        "audio": extra.get("audio_model"),
    }

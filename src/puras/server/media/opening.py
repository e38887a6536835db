"""Puts the studio together: the catalogue, the operator's keys, and a provider for each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from puras.server.media.families import BadCatalogue, Catalogue, packaged, with_own
from puras.server.media.providers.draft import DraftProvider
from puras.server.media.studio import Studio
from puras.server.settings import BadSetting, Settings


def open_studio(settings: Settings, environment: Mapping[str, str]) -> Studio:
    """Return the studio of this server. `environment` has the operator's keys.

    Raises:
        BadSetting: the operator's file of models makes no sense, or a default is not in it.
    """
    catalogue = catalogue_of(settings)
    studio = Studio(
        catalogue,
        {
            "image": settings.image_model,
            "video": settings.video_model,
            "audio": settings.audio_model,
            "transcript": settings.transcribe_model,
        },
        {"draft": DraftProvider()},
    )
    for kind, slug in studio.defaults.items():
        if slug is not None and slug not in catalogue[kind]:
            raise BadSetting(f"the default model `{slug}` is none for {kind}: see docs/howto/media")
    return studio


def catalogue_of(settings: Settings) -> Catalogue:
    """Return the models that this server knows. Raises BadSetting as `open_studio`."""
    try:
        return _catalogue(settings.media_file)
    except BadCatalogue as error:
        raise BadSetting(f"PURAS_MEDIA: {error}") from None


@lru_cache(maxsize=4)
def _catalogue(own: Path | None) -> Catalogue:
    return packaged() if own is None else with_own(packaged(), own)

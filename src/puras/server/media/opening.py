"""Puts the studio together: the catalogue, the operator's keys, and a provider for each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from puras.server.fetch import Fetcher
from puras.server.media.families import BadCatalogue, Catalogue, packaged, with_own
from puras.server.media.providers.calling import Provided
from puras.server.media.providers.draft import DraftProvider
from puras.server.media.providers.elevenlabs import ElevenLabsProvider
from puras.server.media.providers.fal import FalProvider
from puras.server.media.providers.openai import OpenAIProvider
from puras.server.media.providers.port import Providers
from puras.server.media.studio import Studio
from puras.server.settings import BadSetting, Settings


def open_studio(settings: Settings, environment: Mapping[str, str], *, fetcher: Fetcher) -> Studio:
    """Return the studio of this server. `environment` has the operator's keys, and base URLs where
    a provider is to be reached elsewhere.

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
        _providers(environment, fetcher),
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


def _providers(environment: Mapping[str, str], fetcher: Fetcher) -> Providers:
    def provided(name: str, *, key: str, url: str, default: str, header: str) -> Provided:
        secret = environment.get(key, "")
        where = (environment.get(url) or default).rstrip("/")
        field, _, prefix = header.partition(": ")
        return Provided(name, where, {field: f"{prefix}{secret}"} if secret else {}, secret)

    fal = provided(
        "fal",
        key="FAL_KEY",
        url="FAL_BASE_URL",
        default="https://queue.fal.run",
        header="Authorization: Key ",
    )
    openai = provided(
        "OpenAI",
        key="OPENAI_API_KEY",
        url="OPENAI_BASE_URL",
        default="https://api.openai.com/v1",
        header="Authorization: Bearer ",
    )
    elevenlabs = provided(
        "ElevenLabs",
        key="ELEVENLABS_API_KEY",
        url="ELEVENLABS_BASE_URL",
        default="https://api.elevenlabs.io",
        header="xi-api-key: ",
    )
    return {
        "draft": DraftProvider(),
        "fal": FalProvider(fal, fetcher),
        "openai": OpenAIProvider(openai),
        "elevenlabs": ElevenLabsProvider(elevenlabs),
    }

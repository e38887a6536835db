"""Opens the storage that the settings name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from puras.server.home import incoming
from puras.server.settings import BadSetting, Settings
from puras.server.storage.cache import Cache
from puras.server.storage.disk import DiskStorage

if TYPE_CHECKING:
    from puras.server.storage.s3 import S3Storage


def open_storage(settings: Settings) -> DiskStorage | S3Storage:
    """Return the storage, without a look at what is in it.

    Raises:
        BadSetting: the setting can't be read, or what it needs is not installed.
    """
    arriving = incoming(settings.home)
    if settings.storage_url is None:
        return DiskStorage(settings.files_path, incoming=settings.files_incoming)
    try:
        from puras.server.storage.s3 import S3Storage, open_bucket
    except ImportError:
        raise BadSetting(
            'PURAS_STORAGE_URL is set and its client is missing: pip install "puras[server,s3]"'
        ) from None
    cache = Cache(settings.home / "cache", incoming=arriving, limit=settings.cache_bytes)
    return S3Storage(open_bucket(settings.storage_url, environment=os.environ), cache=cache)

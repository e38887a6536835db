"""The media models that a bundle names: each has to be one that this server knows."""

from __future__ import annotations

from puras.bundle.layout import folder_of
from puras.server.media.families import Catalogue, unknown
from puras.server.media.studio import wanted_by
from puras.wire import Fault, Manifest


def media_faults(manifest: Manifest, catalogue: Catalogue) -> list[Fault]:
    """Return a fault for each slug that names no model of its kind.

    Whether a model can be used, with a key and a price, is asked when it is used: keys come and go.
    """
    return [
        {
            "file": f"{folder_of(skill['name'])}/skill.yaml",
            "path": f"$.{kind}_model",
            "message": unknown(slug, kind, catalogue),
        }
        for skill in manifest["skills"]
        for kind, slug in wanted_by(skill["extra"]).items()
        if isinstance(slug, str) and slug not in catalogue[kind]
    ]

"""The models that a bundle names: each has to be one that this server knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from puras.bundle.layout import folder_of
from puras.wire import Fault, Manifest, ManifestSkill


class Catalog(Protocol):
    """Knows the models of a server."""

    def find(self, slug: str) -> object | None:
        """Return the model of a slug, None where there is none."""

    def unknown(self, slug: str) -> str:
        """Return the sentence that says that there is no such model, with names like it."""


def model_faults(manifest: Manifest, catalog: Catalog) -> list[Fault]:
    """Return a fault for each slug that names no model.

    Whether a model can be used, with a key and a price, is asked when it is used: keys come and go.
    """
    return [
        {"file": f"{folder_of(skill['name'])}/skill.yaml", "path": path, "message": message}
        for skill in manifest["skills"]
        for path, slug in _slugs(skill)
        if isinstance(slug, str)
        and catalog.find(slug) is None
        and (message := catalog.unknown(slug))
    ]


def _slugs(skill: ManifestSkill) -> Iterator[tuple[str, Any]]:
    yield "$.text_model", skill["extra"].get("text_model")
    routing = skill["extra"].get("routing")
    if isinstance(routing, dict):
        yield "$.routing.escalate_to", routing.get("escalate_to")

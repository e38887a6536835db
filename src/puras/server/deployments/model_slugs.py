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
    yield from _judges(skill["extra"].get("evals"))


def _judges(evals: Any) -> Iterator[tuple[str, Any]]:
    """Give the models of rubrics that stand in `skill.yaml`; its form was checked before."""
    if isinstance(evals, list):
        evals = {"cases": evals}
    if not isinstance(evals, dict):
        return
    yield from _models_of(evals.get("graders", []), "$.evals")
    for index, case in enumerate(evals.get("cases", [])):
        if isinstance(case, dict):
            yield from _models_of(case.get("graders", []), f"$.evals.cases[{index}]")


def _models_of(graders: Any, path: str) -> Iterator[tuple[str, Any]]:
    for index, grader in enumerate(graders if isinstance(graders, list) else []):
        if isinstance(grader, dict):
            yield f"{path}.graders[{index}].model", grader.get("model")

"""How a model's provider is reached: its address and the operator's key, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from puras.bundle.faults import listed
from puras.server.agent.models.catalog import Model
from puras.server.agent.models.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class Access:
    """`base_url` None: the provider's own address. `key` None: it wants none."""

    base_url: str | None
    key: str | None = field(repr=False)


def access(model: Model, environment: Mapping[str, str]) -> Access:
    """Return how the model is reached; what the models file says counts before the environment."""
    moved = PROVIDERS[model.provider].base_url
    base_url = model.base_url or (environment.get(moved) if moved else None) or None
    return Access(base_url, _key(model, environment))


def key_missing(model: Model, environment: Mapping[str, str]) -> str | None:
    """Return the sentence that says which key is not set, None where nothing is missing."""
    if not model.key_env or _key(model, environment) is not None:
        return None
    first, *others = model.key_env
    either = f" (or {listed(others)})" if others else ""
    return f"`{model.slug}` needs a key: set `{first}`{either} in the server's environment"


def _key(model: Model, environment: Mapping[str, str]) -> str | None:
    values = (environment.get(name, "").strip() for name in model.key_env)
    return next((value for value in values if value), None)

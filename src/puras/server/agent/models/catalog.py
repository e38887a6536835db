"""The models that can be named: those that come along, and those of the operator's own file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from puras.bundle.faults import did_you_mean, listed
from puras.bundle.skill_keys import MODEL
from puras.bundle.yaml_1_2 import YAMLFault, read_yaml
from puras.server.agent.models.draft import DRAFT
from puras.server.agent.models.providers import PROVIDERS
from puras.server.settings import BadSetting

OWN_FILE: Final = Path(__file__).with_name("models.yaml")
_FAMILIES = {"claude": "anthropic/claude-", "gpt": "openai/gpt-", "gemini": "google/gemini-"}
_ANYTHING = "/*"


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `name` is what its provider calls it, `key_env` the variables for its key.

    Prices are in USD for a million tokens; None: those of the price table.
    """

    slug: str
    provider: str
    name: str
    base_url: str | None = None
    key_env: tuple[str, ...] = ()
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    vision: bool = False
    pdf: bool = False
    max_output_tokens: int = 16_000

    @property
    def is_draft(self) -> bool:
        return self.provider == "draft"

    @property
    def stands_for_many(self) -> bool:
        """Whether any variant may stand in place of its `*`."""
        return self.slug.endswith(_ANYTHING)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by slug, in the order in which they are preferred; `family/*` stands for many."""

    models: Mapping[str, Model]

    def find(self, slug: str) -> Model | None:
        """Return the model of a slug. `claude/x`, `gpt/x` and `gemini/x` are read as the slugs of
        their makers, `anthropic/claude-x` and so on."""
        family, _, variant = slug.partition("/")
        spelled = _FAMILIES.get(family, f"{family}/") + variant
        found = self.models.get(slug) or self.models.get(spelled)
        if found is not None or not variant:
            return found
        anything = self.models.get(family + _ANYTHING)
        if anything is None:
            return None
        return replace(anything, slug=slug, name=anything.name.replace("*", variant))

    def unknown(self, slug: str) -> str:
        """Return the sentence that says that there is no such model, with names like it."""
        near = get_close_matches(slug, self.slugs(), n=3, cutoff=0.6)
        hint = f"did you mean {listed(near)}?" if near else "`puras models` lists those there are"
        return f"no model is called `{slug}`: {hint}"

    def slugs(self) -> list[str]:
        """Return the slugs of single models."""
        return [slug for slug in self.models if not slug.endswith(_ANYTHING)]


def read_catalog(own: Path | None = None) -> Catalog:
    """Read the models that come along, then those of the operator's file, which come first.

    Raises:
        BadSetting: the file can't be read, or says what makes no sense.
    """
    shipped = dict(_shipped())
    added = _entries(own) if own is not None else {}
    merged = {slug: {**shipped.get(slug, {}), **entry} for slug, entry in added.items()}
    draft = {DRAFT: shipped.pop(DRAFT)}
    merged.pop(DRAFT, None)
    entries = {**merged, **{k: v for k, v in shipped.items() if k not in merged}, **draft}
    return Catalog({slug: _model(slug, entry, own) for slug, entry in entries.items()})


@cache
def _shipped() -> Mapping[str, dict[str, Any]]:
    return _entries(OWN_FILE)


def _entries(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = read_yaml(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, YAMLFault) as error:
        raise BadSetting(f"PURAS_MODELS={str(file)!r} can't be read: {error}") from None
    if not isinstance(content, dict):
        raise BadSetting(f"PURAS_MODELS={str(file)!r}: write a mapping from slugs to models")
    for slug, entry in content.items():
        if not isinstance(entry, dict):
            raise _bad(file, slug, f"write a mapping with {listed(_KEYS)}")
    return content


def _model(slug: str, entry: Mapping[str, Any], file: Path | None) -> Model:
    if fault := _fault(slug, entry):
        raise _bad(file or OWN_FILE, slug, fault)
    values = {_KEYS[key]: value for key, value in entry.items()}
    keys = (entry["key_env"],) if "key_env" in entry else PROVIDERS[entry["provider"]].keys
    return Model(slug=slug, **{**values, "key_env": keys})


def _fault(slug: str, entry: Mapping[str, Any]) -> str | None:
    if not MODEL.fullmatch(slug.removesuffix(_ANYTHING) + ("/x" if slug.endswith("/*") else "")):
        return "a slug is `family/variant`, in small letters, such as `ollama/qwen3`"
    for key, value in entry.items():
        if key not in _KEYS:
            return f"there is no key `{key}`{did_you_mean(key, _KEYS) or ': remove it'}"
        if not _fits(key, value):
            return f"`{key}: {value}` is not {_KINDS.get(key, 'a text')}"
    for key in ("provider", "model"):
        if key not in entry:
            return f"`{key}` is missing"
    if entry["provider"] not in PROVIDERS or (entry["provider"] == "draft" and slug != DRAFT):
        return f"`provider` is one of {listed(name for name in PROVIDERS if name != 'draft')}"
    if entry["provider"] == "openai-compatible" and "base_url" not in entry:
        return "`base_url` is missing, such as http://localhost:11434/v1"
    return _price_fault(entry)


def _price_fault(entry: Mapping[str, Any]) -> str | None:
    prices = [key in entry for key in ("input_usd_per_mtok", "output_usd_per_mtok")]
    if any(prices) and not all(prices):
        return "write both `input_usd_per_mtok` and `output_usd_per_mtok`, or neither"
    return None


def _fits(key: str, value: Any) -> bool:
    if key in ("vision", "pdf"):
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if key == "max_output_tokens":
        return isinstance(value, int) and value > 0
    if key.endswith("_usd_per_mtok"):
        return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0
    return isinstance(value, str) and value.strip() != ""


def _bad(file: Path, slug: Any, fault: str) -> BadSetting:
    return BadSetting(f"PURAS_MODELS={str(file)!r}: `{slug}`: {fault}")


_KEYS: Final[Mapping[str, str]] = {
    "model": "name",
    **{field.name: field.name for field in fields(Model) if field.name not in ("slug", "name")},
}
_KINDS = {
    "vision": "true or false",
    "pdf": "true or false",
    "max_output_tokens": "a whole number above 0",
    "input_usd_per_mtok": "a number of USD, 0 or more",
    "output_usd_per_mtok": "a number of USD, 0 or more",
}

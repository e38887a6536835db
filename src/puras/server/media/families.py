"""The catalogue: which models there are, what each takes, and what it costs.

A slug is `family/variant`. The packaged `media.yaml` lists them by kind, the best default first;
an operator's own file of the same form adds entries and takes the place of those it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

from puras.server.media.verbs import MediaKind

DRAFT: Final = "local/draft"
UNITS: Final = ("image", "video", "second", "minute", "1k_characters")
_PARAMETERS: Final = frozenset(
    {
        *("prompt", "images", "aspect_ratio", "size", "duration", "resolution", "sound"),
        *("seed", "voice", "language"),
    }
)


class BadCatalogue(ValueError):
    """A file of models can't be read; the text names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per unit. `varies` names a parameter whose values have prices of their own;
    `usd_per_reference` and `usd_per_1k_characters` of the prompt are added."""

    per: str
    usd: Decimal | None
    varies: str | None = None
    values: Mapping[str, Decimal] = field(default_factory=dict)
    usd_per_reference: Decimal = Decimal(0)
    usd_per_1k_characters: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a model takes one argument.

    name     what the provider calls it
    values   what is asked for → what the provider is sent; empty: sent as it is
    between  the least and the most, of a number that may be any between
    whole    the number is sent without decimals
    default  what is taken where nothing is asked for
    most     how many references, or characters
    model    the provider's model for requests with references, where it is another one
    lone     the first reference is sent alone, not in a list
    tag      how this model's prompts name reference `{n}`
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    between: tuple[float, float] | None = None
    whole: bool = False
    default: Any = None
    most: int | None = None
    model: str | None = None
    lone: bool = False
    tag: str = "image {n}"


@dataclass(frozen=True, slots=True)
class Family:
    """A model: who has it, under which name, and how it is asked. `sends` goes with each call."""

    slug: str
    kind: MediaKind
    provider: str
    model: str
    price: Price | None
    takes: Mapping[str, Parameter]
    sends: Mapping[str, Any]


Catalogue: TypeAlias = Mapping[MediaKind, Mapping[str, Family]]


def packaged() -> Catalogue:
    """Read the catalogue that comes with Puras."""
    file = resources.files("puras.server.media") / "media.yaml"
    return _read(file.read_text("utf-8"), "media.yaml")


def with_own(catalogue: Catalogue, file: Path) -> Catalogue:
    """Return the catalogue with an operator's file on top.

    Raises:
        BadCatalogue: the file can't be read, or an entry makes no sense.
    """
    try:
        own = _read(file.read_text("utf-8"), str(file))
    except OSError as error:
        raise BadCatalogue(f"{file} can't be read: {error.strerror}") from None
    return {kind: {**catalogue[kind], **own[kind]} for kind in catalogue}


def price_key(value: Any) -> str:
    """Return how a catalogue writes a parameter's value."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def unknown(slug: str, kind: MediaKind, catalogue: Catalogue) -> str:
    """Return the sentence that says that there is no such model, with the nearest ones, else all
    of them."""
    known = list(catalogue[kind])
    found = get_close_matches(slug, known, n=3, cutoff=0.5) or known
    what = kind if kind == "audio" else f"{kind}s"
    names = ", ".join(f"`{name}`" for name in found)
    return f"there is no model `{slug}` for {what}: it may be {names}"


def _read(text: str, file: str) -> Catalogue:
    import yaml

    try:
        whole = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise BadCatalogue(f"{file} is no YAML: {error}") from None
    kinds: tuple[MediaKind, ...] = get_args(MediaKind)
    if not isinstance(whole, dict) or not whole.keys() <= set(kinds):
        raise BadCatalogue(f"{file} has models below {', '.join(kinds)}, and nothing else")
    return {kind: _families(kind, whole.get(kind) or {}, file) for kind in kinds}


def _families(kind: MediaKind, entries: Mapping[str, Any], file: str) -> dict[str, Family]:
    families = {}
    for slug, entry in entries.items():
        try:
            families[slug] = _family(slug, kind, dict(entry))
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise BadCatalogue(f"{file}: `{slug}` below {kind} makes no sense: {error!r}") from None
    return families


def _family(slug: str, kind: MediaKind, entry: dict[str, Any]) -> Family:
    takes = {name: _parameter(name, how or {}) for name, how in entry.pop("takes", {}).items()}
    if not takes.keys() <= _PARAMETERS:
        raise ValueError(f"it takes nothing but {', '.join(sorted(_PARAMETERS))}")
    price = entry.pop("price", None)
    return Family(
        slug=slug,
        kind=kind,
        price=None if price is None else _price(dict(price)),
        takes=takes,
        sends=entry.pop("sends", {}),
        **entry,
    )


def _parameter(name: str, how: Mapping[str, Any]) -> Parameter:
    fields = dict(how)
    between = fields.pop("between", None)
    return Parameter(
        name=fields.pop("as", name),
        values={str(asked): sent for asked, sent in dict(fields.pop("values", {})).items()},
        between=None if between is None else (float(between[0]), float(between[1])),
        **fields,
    )


def _price(price: dict[str, Any]) -> Price:
    per, usd = price.pop("per"), price.pop("usd", None)
    by = dict(price.pop("usd_by", {}))
    if per not in UNITS or (usd is None) == (not by) or len(by) > 1:
        raise ValueError(f"a price has `usd` or `usd_by`, and is per one of {', '.join(UNITS)}")
    varies, values = next(iter(by.items()), (None, {}))
    extras = [_usd(price.pop(f"usd_per_{unit}", 0)) for unit in ("reference", "1k_characters")]
    if price:
        raise ValueError(f"a price has no {', '.join(price)}")
    return Price(
        per,
        None if usd is None else _usd(usd),
        varies,
        {price_key(value): _usd(amount) for value, amount in values.items()},
        *extras,
    )


def _usd(value: Any) -> Decimal:
    amount = Decimal(str(value))
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{value} is no price")
    return amount

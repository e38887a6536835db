"""Fits a request to a model: what it knows, in its own names and values. Pure.

What a model can't do exactly is brought to the nearest that it can, and told (`changes`): durations
and aspect ratios. What it can't do at all, such as a sixth reference, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from puras.server.media.families import Family, Parameter, price_key
from puras.server.media.verbs import MediaRequest
from puras.server.refusals import Refused

_TAG = re.compile(r"@image([0-9]{1,4})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Adapted:
    """A request as one model is asked it.

    model     the provider's name of the model
    body      what the provider is sent, but for references
    used      what is in force: argument → value, as in the request
    changes   argument → `{asked, used}`, where these differ
    """

    family: Family
    request: MediaRequest
    model: str
    body: Mapping[str, Any]
    used: Mapping[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)


def adapt(family: Family, request: MediaRequest) -> Adapted:
    """Fit a request to a model.

    Raises:
        Refused: `invalid_request`, where the model can't do what is asked for.
    """
    _check_references(family, request)
    body: dict[str, Any] = dict(family.sends)
    used: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for name, wanted in _asked(family, request).items():
        fitted = _fitted(family, name, wanted)
        if fitted is not None:
            used[name], body[family.takes[name].name] = fitted
        if wanted is not None and used.get(name) != wanted:
            changes[name] = {"asked": wanted, "used": used.get(name)}
    changes |= _reshaped(request, used, changes)
    return Adapted(family, request, _model(family, request), body, used, changes)


def _asked(family: Family, request: MediaRequest) -> dict[str, Any]:
    """Return what is asked for, by argument; of size and aspect ratio the one the model takes."""
    aspect, size = request.aspect, request.size
    by_size = "size" in family.takes and (size is not None or "aspect_ratio" not in family.takes)
    if by_size and size is None and aspect is not None:
        size = (1000 * aspect.numerator, 1000 * aspect.denominator)
    return {
        "prompt": None if request.kind == "transcript" else _tagged(family, request),
        "aspect_ratio": None if by_size or aspect is None else _written(aspect),
        "size": f"{size[0]}x{size[1]}" if by_size and size else None,
        "duration": request.duration,
        "resolution": request.resolution,
        "sound": request.sound,
        "seed": request.seed,
        "voice": request.voice,
        "language": request.language,
    }


def _reshaped(
    request: MediaRequest, used: Mapping[str, Any], changes: dict[str, Any]
) -> dict[str, Any]:
    """Tell of a changed shape in the word that it was asked for in."""
    told = [changes.pop(name, None) for name in ("size", "aspect_ratio")]
    if request.size is not None and used.get("size") is None:
        asked = "{}x{}".format(*request.size)
        return {"size": {"asked": asked, "used": used.get("aspect_ratio")}}
    if request.size is not None:
        return {} if told[0] is None else {"size": told[0]}
    if request.aspect is None:
        return {}
    got = used.get("size") or used.get("aspect_ratio")
    shape = None if got is None else Fraction(*map(int, re.split("[x:]", got)))
    if shape == request.aspect:
        return {}
    now = _written(shape) if shape is not None and "size" in used else got
    return {"aspect_ratio": {"asked": _written(request.aspect), "used": now}}


def _written(aspect: Fraction) -> str:
    return f"{aspect.numerator}:{aspect.denominator}"


def _fitted(family: Family, name: str, wanted: Any) -> tuple[Any, Any] | None:
    """Return (what is in force, what is sent) for one argument; None: nothing is sent."""
    parameter = family.takes.get(name)
    value = parameter.default if parameter and wanted is None else wanted
    if parameter is None or value is None:
        return None
    if name == "prompt":
        _check_length(family, parameter, value)
        return value, value
    if parameter.between is not None:
        number = min(max(float(value), parameter.between[0]), parameter.between[1])
        number = math.ceil(number) if parameter.whole else number
        return number, number
    if not parameter.values:
        return value, value
    key = _nearest(name, value, parameter.values)
    if key is None:
        raise Refused(
            "invalid_request",
            f"`{family.slug}` knows no {name} `{value}`: pass one of {', '.join(parameter.values)}",
        )
    used = float(key) if name == "duration" else value if isinstance(value, bool) else key
    return used, parameter.values[key]


def _nearest(name: str, value: Any, known: Iterable[str]) -> str | None:
    """Return the known value that is nearest, of two equally near the larger one."""
    if name == "duration":
        return min(known, key=lambda key: (abs(float(key) - float(value)), -float(key)))
    if name == "resolution":
        return min(known, key=lambda key: (abs(_lines(key) - _lines(value)), -_lines(key)))
    if name in ("aspect_ratio", "size"):
        return min(known, key=lambda key: _distance(key, value))
    return next((key for key in known if key.lower() == price_key(value).lower()), None)


def _lines(resolution: str) -> int:
    return int(resolution.rstrip("p"))


def _distance(one: str, other: str) -> tuple[float, int]:
    """Tell how far two shapes are from each other (`9:16`, `576x1024`): form first, then area."""
    (width, height), (wide, high) = (map(int, re.split("[x:]", text)) for text in (one, other))
    return abs(math.log(width * high) - math.log(height * wide)), abs(width * height - wide * high)


def _check_references(family: Family, request: MediaRequest) -> None:
    if request.kind == "transcript" or not request.files:
        return
    images = family.takes.get("images")
    if images is None:
        raise Refused(
            "invalid_request",
            f"`{family.slug}` takes no reference images: leave them out or choose another model",
        )
    if images.most is not None and len(request.files) > images.most:
        raise Refused(
            "invalid_request",
            f"`{family.slug}` takes at most {images.most} reference images, "
            f"and there are {len(request.files)}",
        )


def _tagged(family: Family, request: MediaRequest) -> str:
    """Return the prompt with `@image1` … written as this model's prompts name a reference."""
    images = family.takes.get("images")

    def name(found: re.Match[str]) -> str:
        number = int(found[1])
        if not 1 <= number <= len(request.files):
            raise Refused(
                "invalid_request",
                f"the prompt speaks of @image{number}, and {len(request.files)} images came "
                "with it",
            )
        assert images is not None, "references were checked"
        return images.tag.format(n=number)

    return _TAG.sub(name, request.prompt)


def _check_length(family: Family, parameter: Parameter, prompt: str) -> None:
    if parameter.most is not None and len(prompt) > parameter.most:
        raise Refused(
            "invalid_request",
            f"`{family.slug}` takes at most {parameter.most:,} characters, "
            f"and there are {len(prompt):,}: split the text",
        )


def _model(family: Family, request: MediaRequest) -> str:
    images = family.takes.get("images")
    if request.files and images is not None and images.model is not None:
        return images.model
    return family.model

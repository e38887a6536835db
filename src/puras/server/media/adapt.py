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

from puras.server.media.families import Family, Parameter
from puras.server.media.verbs import MediaRequest, ratio
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
    asked = _asked(family, request)
    body: dict[str, Any] = dict(family.sends)
    used: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for name, wanted in asked.items():
        parameter = family.takes.get(name)
        if parameter is None:
            if wanted is not None:
                changes[name] = {"asked": wanted, "used": None}
            continue
        fitted = _fitted(family, parameter, name, wanted)
        if fitted is None:
            continue
        used[name], sent = fitted
        body[parameter.name] = sent
        if wanted is not None and used[name] != wanted:
            changes[name] = {"asked": wanted, "used": used[name]}
    return Adapted(family, request, _model(family, request), body, used, changes)


def _asked(family: Family, request: MediaRequest) -> dict[str, Any]:
    """Return what is asked for, by argument. An aspect that stands for a size is asked for only
    where the model takes no size."""
    aspect, size = request.aspect, request.size
    if size is not None and "size" in family.takes:
        aspect = None
    return {
        "prompt": _tagged(family, request) if request.kind != "transcript" else None,
        "aspect_ratio": None if aspect is None else f"{aspect.numerator}:{aspect.denominator}",
        "size": None if size is None else f"{size[0]}x{size[1]}",
        "duration": request.duration,
        "resolution": request.resolution,
        "sound": request.sound,
        "seed": request.seed,
        "voice": request.voice,
        "language": request.language,
    }


def _fitted(family: Family, parameter: Parameter, name: str, wanted: Any) -> tuple[Any, Any] | None:
    """Return (what is in force, what is sent) for one argument; None: nothing is sent."""
    value = parameter.default if wanted is None else wanted
    if value is None:
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
    if name == "aspect_ratio":
        wanted = math.log(ratio(value))
        return min(known, key=lambda key: abs(math.log(ratio(key)) - wanted))
    if name == "size":
        width, height = map(int, value.split("x"))
        shape = math.log(Fraction(width, height))
        return min(
            known,
            key=lambda key: (
                abs(math.log(Fraction(*map(int, key.split("x")))) - shape),
                abs(math.prod(map(int, key.split("x"))) - width * height),
            ),
        )
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return next((key for key in known if key.lower() == text.lower()), None)


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

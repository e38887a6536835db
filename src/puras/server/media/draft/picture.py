"""A draft's picture: the prompt on a coloured card, and what the references look like."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from puras.server.media.probe import PICTURE_FORMATS

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

LABEL = "DRAFT"
_LONG_EDGE = 1024
_LEAST_EDGE = 16
_MOST_EDGE = 4096
_MOST_SHOWN = 400
_LIGHT = (255, 255, 255)


def card_size(
    aspect: Fraction, *, short_edge: int | None = None, size: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Return width and height, both even: the size that is asked for, else one of this aspect."""
    if size is not None:
        width, height = size
    elif short_edge is not None:
        width = round(short_edge * max(aspect, Fraction(1)))
        height = round(short_edge / min(aspect, Fraction(1)))
    else:
        width = round(_LONG_EDGE * min(aspect, Fraction(1)))
        height = round(_LONG_EDGE / max(aspect, Fraction(1)))
    return _bounded(width), _bounded(height)


def draw_card(
    prompt: str, *, size: tuple[int, int], seed: int | None, references: Sequence[Path] = ()
) -> Picture:
    """Draw the card. Same words, same seed, same references: the same picture."""
    from PIL import Image, ImageDraw

    dark, bright = _colours(prompt, seed)
    width, height = size
    card = Image.linear_gradient("L").resize(size)
    picture = Image.composite(Image.new("RGB", size, dark), Image.new("RGB", size, bright), card)
    unit = max(10, min(size) // 16)
    draw = ImageDraw.Draw(picture)
    _write(draw, LABEL, at=(unit, unit), points=unit * 2)
    _write(draw, _wrapped(prompt, width, unit), at=(unit, unit * 4), points=unit)
    _paste(picture, references, edge=max(8, min(width // 4, height // 4)), margin=unit)
    return picture


def _bounded(edge: int) -> int:
    return min(max(edge, _LEAST_EDGE), _MOST_EDGE) // 2 * 2


def _colours(prompt: str, seed: int | None) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    red, green, blue = hashlib.sha256(f"{seed}\0{prompt}".encode()).digest()[:3]
    dark = (red // 3, green // 3, blue // 3)
    return dark, (40 + red // 2, 40 + green // 2, 40 + blue // 2)


def _wrapped(prompt: str, width: int, unit: int) -> str:
    import textwrap

    shown = prompt if len(prompt) <= _MOST_SHOWN else f"{prompt[:_MOST_SHOWN]}…"
    columns = max(6, int((width - 2 * unit) / (unit * 0.55)))
    return "\n".join(textwrap.wrap(shown, columns))


def _write(draw: ImageDraw, text: str, *, at: tuple[int, int], points: int) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size=points)
    draw.multiline_text(at, text, fill=_LIGHT, font=font)


def _paste(picture: Picture, references: Sequence[Path], *, edge: int, margin: int) -> None:
    """Show the references in a row at the foot, as many as there is room for."""
    from PIL import Image

    left = margin
    for reference in references:
        if left + edge > picture.width:
            return
        with Image.open(reference, formats=PICTURE_FORMATS) as opened:
            small = opened.convert("RGB")
            small.thumbnail((edge, edge))
        picture.paste(small, (left, picture.height - margin - small.height))
        left += edge + margin

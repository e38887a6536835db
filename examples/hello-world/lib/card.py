"""What a card looks like: a color that runs darker, confetti, and lines of large letters."""

import random

from lib.letters import HEIGHT as LETTER_HEIGHT
from lib.letters import WIDTH as LETTER_WIDTH
from lib.letters import dots
from lib.png import Picture, Pixel

WIDTH, HEIGHT = 640, 360
MARGIN = 48
CONFETTI = 90
WHITE = (255, 255, 255)


def draw(lines: list[str], color: str) -> Picture:
    """Return a card with the lines one below the other, each as large as fits."""
    base = parse_color(color)
    picture = [[_shade(base, 1 - 0.45 * y / HEIGHT)] * WIDTH for y in range(HEIGHT)]
    _scatter(picture, base, seed="".join(lines))
    sizes = [_dot_size(line) for line in lines]
    gap = 28
    height = sum(LETTER_HEIGHT * size for size in sizes) + gap * (len(lines) - 1)
    top = (HEIGHT - height) // 2
    for line, size in zip(lines, sizes, strict=True):
        _write(picture, line, top=top, size=size)
        top += LETTER_HEIGHT * size + gap
    return picture


def parse_color(text: str) -> Pixel:
    """Read 3 or 6 hex digits, with or without `#`."""
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _dot_size(line: str) -> int:
    return max(2, min(8, (WIDTH - 2 * MARGIN) // (len(line) * (LETTER_WIDTH + 1))))


def _write(picture: Picture, line: str, *, top: int, size: int) -> None:
    step = (LETTER_WIDTH + 1) * size
    left = (WIDTH - len(line) * step + size) // 2
    for index, character in enumerate(line):
        for row, marks in enumerate(dots(character)):
            for column, mark in enumerate(marks):
                if mark == "#":
                    x, y = left + index * step + column * size, top + row * size
                    _fill(picture, x, y, size=size, color=WHITE)


def _scatter(picture: Picture, base: Pixel, *, seed: str) -> None:
    # The same words give the same card.
    chance = random.Random(seed)
    for _ in range(CONFETTI):
        size = chance.randint(4, 11)
        x, y = chance.randrange(WIDTH - size), chance.randrange(HEIGHT - size)
        _fill(picture, x, y, size=size, color=_shade(base, chance.uniform(0.75, 1.5)))


def _fill(picture: Picture, x: int, y: int, *, size: int, color: Pixel) -> None:
    for row in picture[max(0, y) : y + size]:
        row[x : x + size] = [color] * len(row[x : x + size])


def _shade(color: Pixel, factor: float) -> Pixel:
    red, green, blue = (min(255, round(channel * factor)) for channel in color)
    return red, green, blue

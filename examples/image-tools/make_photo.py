"""Make `photo.jpg`: a landscape as a camera could have taken it, with all that a camera tells.

    python make_photo.py

It is drawn rather than taken, so that everyone may use it; the place in it is the summit of
Mont Blanc.
"""

import math
import random
from pathlib import Path

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 640
SUN = (660, 215)


def main() -> None:
    """Draw the photo and save it beside this file."""
    photo = _grain(_vignette(_landscape()))
    path = Path(__file__).with_name("photo.jpg")
    photo.save(path, quality=82, exif=_exif(), comment=b"An evening in the mountains")
    print(f"{path}: {path.stat().st_size // 1024} KiB")


def _landscape() -> Image.Image:
    photo = _sky()
    for depth in range(5):
        nearness = depth / 4
        ridge = _ridge(base=330 + 62 * depth, height=120 - 12 * depth, seed=depth)
        hills = Image.new("RGB", photo.size, _mix((171, 142, 168), (22, 28, 40), nearness))
        mask = Image.new("L", photo.size)
        ImageDraw.Draw(mask).polygon([*ridge, (WIDTH, HEIGHT), (0, HEIGHT)], fill=255)
        photo.paste(hills, mask=mask.filter(ImageFilter.GaussianBlur(1.6 - 1.2 * nearness)))
    return photo


def _sky() -> Image.Image:
    sky = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(sky)
    for y in range(HEIGHT):
        draw.line((0, y, WIDTH, y), fill=_mix((58, 84, 140), (250, 186, 128), min(1, y / 380)))
    glow = Image.new("RGB", sky.size)
    draw = ImageDraw.Draw(glow)
    for radius in range(260, 0, -4):
        light = round(150 * (1 - radius / 260) ** 2)
        draw.ellipse(_around(SUN, radius), fill=(light, light * 3 // 4, light // 3))
    sky = ImageChops.screen(sky, glow.filter(ImageFilter.GaussianBlur(12)))
    ImageDraw.Draw(sky).ellipse(_around(SUN, 34), fill=(255, 246, 222))
    return sky.filter(ImageFilter.GaussianBlur(1.2))


def _ridge(*, base: float, height: float, seed: int) -> list[tuple[float, float]]:
    chance = random.Random(seed)
    waves = [(octave, chance.uniform(0, math.tau)) for octave in (1, 2.3, 5.1, 11.7, 27.4, 61)]

    def y(x: int) -> float:
        rise = sum(math.sin(x / WIDTH * 4 * wave + phase) / wave for wave, phase in waves)
        return base - height * 0.6 * rise

    return [(x, y(x)) for x in range(0, WIDTH + 4, 4)]


def _vignette(photo: Image.Image) -> Image.Image:
    shade = ImageChops.invert(Image.radial_gradient("L")).resize(photo.size)
    shade = shade.point(lambda light: min(255, 150 + light))
    return ImageChops.multiply(photo, Image.merge("RGB", (shade, shade, shade)))


def _grain(photo: Image.Image) -> Image.Image:
    chance = random.Random(7)
    noise = Image.frombytes("L", photo.size, chance.randbytes(WIDTH * HEIGHT))
    noise = noise.point(lambda light: 120 + light // 16)
    return ImageChops.overlay(photo, Image.merge("RGB", (noise, noise, noise)))


def _exif() -> Image.Exif:
    tags, gps = ExifTags.Base, ExifTags.GPS
    exif = Image.Exif()
    exif[tags.Make] = "Imaginary Optics"
    exif[tags.Model] = "IO-1"
    exif[tags.Software] = "make_photo.py"
    exif[tags.DateTime] = "2026:06:21 20:41:07"
    exif[tags.Orientation] = 1
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            tags.DateTimeOriginal: "2026:06:21 20:41:07",
            tags.ExposureTime: (1, 250),
            tags.FNumber: 5.6,
            tags.ISOSpeedRatings: 200,
            tags.FocalLength: 35.0,
            tags.LensModel: "35 mm f/1.8",
        }
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            gps.GPSLatitudeRef: "N",
            gps.GPSLatitude: (45.0, 49.0, 57.0),
            gps.GPSLongitudeRef: "E",
            gps.GPSLongitude: (6.0, 51.0, 53.0),
            gps.GPSAltitude: 4805.0,
        }
    )
    return exif


def _mix(one: tuple[int, ...], other: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def _around(center: tuple[int, int], radius: int) -> tuple[int, int, int, int]:
    x, y = center
    return x - radius, y - radius, x + radius, y + radius


if __name__ == "__main__":
    main()

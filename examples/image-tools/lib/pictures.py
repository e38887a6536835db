"""What the skills share: open a picture, whichever way it came, and work with it."""

import io
from typing import Any, NamedTuple

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

import puras

MAX_PIXELS = 80_000_000
_TURNED = (5, 6, 7, 8)


class Metadata(NamedTuple):
    """The names of a picture's EXIF entries and other texts."""

    names: list[str]
    has_location: bool


def open_picture(value: Any) -> Image.Image:
    """Open an input of type `image`: a URL, an upload, a drive path, a data URI."""
    return read_picture(puras.load_bytes(value))


def read_picture(data: bytes) -> Image.Image:
    """Open a picture's bytes. Raises puras.UserError for what is none, or is too large."""
    try:
        picture = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError:
        raise puras.UserError("the picture has too many pixels") from None
    except (UnidentifiedImageError, OSError):
        raise puras.UserError("that is no picture that can be read") from None
    if picture.width * picture.height > MAX_PIXELS:
        raise puras.UserError(f"the picture has more than {MAX_PIXELS:,} pixels")
    try:
        picture.load()
    except (OSError, SyntaxError):
        raise puras.UserError("the picture is damaged") from None
    return picture


def upright(picture: Image.Image) -> Image.Image:
    """Return a copy turned the way the camera was held."""
    return ImageOps.exif_transpose(picture)


def shown_size(picture: Image.Image) -> tuple[int, int]:
    """Return width and height as the picture is shown."""
    turned = picture.getexif().get(ExifTags.Base.Orientation) in _TURNED
    return (picture.height, picture.width) if turned else picture.size


def encode(picture: Image.Image, format: str) -> bytes:
    """Return the picture as a file without any metadata."""
    if format == "jpeg":
        picture = _on_white(picture)
    else:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    file = io.BytesIO()
    bare.save(file, format=format, quality=90)
    return file.getvalue()


def main_colors(picture: Image.Image, count: int) -> list[tuple[str, float]]:
    """Return the main colors as `#rrggbb` with their share of all pixels, the largest first."""
    small = _on_white(upright(picture))
    small.thumbnail((200, 200))
    reduced = small.quantize(count, method=Image.Quantize.MEDIANCUT)
    found = sorted(reduced.convert("RGB").getcolors(count) or [], reverse=True)
    pixels = small.width * small.height
    return [("#{:02x}{:02x}{:02x}".format(*color), round(n / pixels, 4)) for n, color in found]


def metadata(picture: Image.Image) -> Metadata:
    """Return what a picture tells beside its pixels."""
    exif = picture.getexif()
    location = exif.get_ifd(ExifTags.IFD.GPSInfo)
    tags = {*exif, *exif.get_ifd(ExifTags.IFD.Exif)} - set(ExifTags.IFD)
    names = {
        *(ExifTags.TAGS.get(tag, str(tag)) for tag in tags),
        *(ExifTags.GPSTAGS.get(tag, str(tag)) for tag in location),
        *({"comment", "xmp", "icc_profile"} & set(picture.info)),
    }
    return Metadata(sorted(names), bool(location))


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")

"""How large a picture is."""

from typing import Any

from lib.pictures import open_picture, shown_size


def run(image: Any) -> dict[str, Any]:
    picture = open_picture(image)
    width, height = shown_size(picture)
    return {
        "width": width,
        "height": height,
        "format": (picture.format or "unknown").lower(),
        "megapixels": round(width * height / 1_000_000, 2),
        "has_transparency": picture.has_transparency_data,
        "is_animated": getattr(picture, "is_animated", False),
    }

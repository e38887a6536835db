"""A small copy of a picture."""

from typing import Any

from lib.pictures import encode, open_picture, upright

import puras

ENDINGS = {"jpeg": "jpg", "png": "png", "webp": "webp"}


def run(image: Any, width: int = 256, format: str = "jpeg") -> dict[str, Any]:
    picture = open_picture(image)
    puras.progress(0.4, f"{picture.width} x {picture.height} pixels read")

    small = upright(picture)
    small.thumbnail((width, small.height))
    puras.log(f"made it {small.width} x {small.height}")

    path = puras.drive.write(f"thumbnail.{ENDINGS[format]}", encode(small, format))
    return {"thumbnail": path, "width": small.width, "height": small.height}

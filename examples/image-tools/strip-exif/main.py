"""A photo without what it tells beside the picture."""

from typing import Any

from lib.pictures import encode, metadata, open_picture, upright

import puras

ENDINGS = {"jpeg": "jpg", "png": "png", "webp": "webp"}


def run(image: Any) -> dict[str, Any]:
    picture = open_picture(image)
    format = (picture.format or "").lower()
    if format not in ENDINGS:
        raise puras.UserError(f"a {format or 'nameless'} picture can't be cleaned: send a JPEG")

    found = metadata(picture)
    puras.log(
        f"{len(found.names)} entries found, {'with' if found.has_location else 'no'} location"
    )
    puras.progress(0.5, "writing the picture anew")

    # How the camera was held is in the metadata too, so the pixels are turned before it goes.
    path = puras.drive.write(f"clean.{ENDINGS[format]}", encode(upright(picture), format))
    return {"image": path, "removed": found.names, "had_location": found.has_location}

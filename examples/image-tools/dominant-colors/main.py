"""The few colors that a picture is made of."""

from typing import Any

from lib.pictures import main_colors, open_picture

import puras


def run(image: Any, count: int = 5) -> dict[str, Any]:
    picture = open_picture(image)
    puras.progress(0.5, "counting colors")
    colors = main_colors(picture, count)
    return {"colors": [{"color": color, "share": share} for color, share in colors]}

"""A greeting card, drawn with the standard library alone."""

from lib.card import draw
from lib.png import encode

import puras

WORDS = {
    "birthday": "Happy birthday",
    "thanks": "Thank you",
    "welcome": "Welcome",
    "congratulations": "Congratulations",
}


def run(name: str, occasion: str = "birthday", color: str = "#7c5cff") -> dict[str, str]:
    name = " ".join(name.split())
    words = WORDS[occasion]
    puras.log(f"drawing a card for {name}")

    puras.progress(0.1, "drawing")
    picture = draw([f"{words},", f"{name}!"], color)

    puras.progress(0.8, "saving")
    path = puras.drive.write("card.png", encode(picture))

    return {"card": path, "message": f"{words}, {name}!"}

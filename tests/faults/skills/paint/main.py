from typing import Any

from puras import media


def run(n: int) -> dict[str, Any]:
    first = media.generate_image("A bottle", model="bfl/flux-schnell")
    second = media.generate_image("Another bottle", model="bfl/flux-schnell")
    return {"n": n, "billed_micros": first["billed_micros"] + second["billed_micros"]}

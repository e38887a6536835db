"""Calls of skills as somebody writes them. A type checker finds exactly the lines marked `bad`."""

from __future__ import annotations

from typing import Any, assert_type

from skills import AsyncTypedPuras, CutInputsScene, TypedPuras


def cards(puras: TypedPuras) -> None:
    card = puras.run("hello-world/greeting-card", {"name": "Ada"})
    assert_type(card["message"], str)
    assert_type(card["card"], str)
    puras.run("hello-world/greeting-card", {"name": "Ada", "occasion": "thanks"}, timeout=5)
    puras.run("hello-world/greeting-card", {"name": "Ada"}, on_event=lambda event: event.type)
    puras.submit("hello-world/greeting-card", {"name": "Ada"})
    puras.run("hello-world/greeting-card", {"name": "Ada", "occasion": "divorce"})  # bad
    puras.run("hello-world/greeting-card", {"name": 7})  # bad
    puras.run("hello-world/greeting-card", {"nmae": "Ada"})  # bad
    puras.run("hello-world/greeting-card", {})  # bad
    puras.run("hello-world/greeting-card")  # bad
    puras.run("hello-world/greeting-crad", {"name": "Ada"})  # bad
    puras.run("hello-world/greeting-card", {"name": "Ada"}, timeoutMs=5)  # bad
    print(card["mesage"])  # bad


def pictures(puras: TypedPuras) -> None:
    uploaded = puras.upload("photo.jpg")
    puras.run("image-tools/dimensions", {"image": uploaded["drive_path"]})
    puras.run("image-tools/dimensions", {"image": {"drive_path": "uploads/photo.jpg"}})
    small = puras.run("image-tools/thumbnail", {"image": {"url": "https://example.com/a.png"}})
    assert_type(small["width"], int)
    colors = puras.run("image-tools/dominant-colors", {"image": "data:,x", "count": 3})
    assert_type([each["share"] for each in colors["colors"]], list[float])
    puras.run("image-tools/dimensions", {"image": {"href": "https://example.com/a.png"}})  # bad
    puras.run("image-tools/dimensions", {"image": None})  # bad
    puras.run("image-tools/thumbnail", {"image": "a.png", "format": "gif"})  # bad
    small["width"].upper()  # bad


async def scenes(puras: AsyncTypedPuras) -> None:
    scene: CutInputsScene = {"text": "Sunrise", "span": [0, 4.5], "within": {"text": "Sky"}}
    film = await puras.run(
        "studio/cut",
        {
            "scenes": [scene, {"text": "Night", "aspect-ratio": "9:16"}],
            "voice": {"kind": "clone", "sample": "voice.mp3"},
            "tags": ["a", "b"],
            "limits": {"scenes": 3},
            "music": None,
        },
        version=3,
    )
    assert_type(film["video"], str)
    assert_type(film["notes"], str | None)
    assert_type(film["seconds"], float)
    await puras.run("studio/cut", {"scenes": [], "voice": {"kind": "stock", "name": "Iris"}})
    await puras.run("studio/cut", {"scenes": [], "voice": {"kind": "stock", "nmae": "x"}})  # bad
    await puras.run("studio/cut", {"scenes": [{"aspect-ratio": "1:1"}]})  # bad
    await puras.run("studio/cut", {"scenes": [{"text": "x", "within": {"txt": "y"}}]})  # bad
    await puras.run("studio/cut", {"scenes": [], "limits": {"scenes": "3"}})  # bad
    await puras.run("studio/cut", {"scenes": [], "tags": "a"})  # bad
    film["part"]  # bad


def nothing(puras: TypedPuras) -> None:
    result = puras.run("studio/ping")
    puras.run("studio/ping", {"anything": 1})
    assert_type(result, dict[str, Any])

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from puras.bundle.pack import files_to_pack
from puras.bundle.requirements import read_requirements
from puras.bundle.schema import compile_schema
from puras.bundle.validate import check_folder

EXAMPLES = Path(__file__).parents[3] / "examples"
BUNDLES = sorted({path.parents[1] for path in EXAMPLES.glob("*/*/skill.yaml")})
PHOTO = EXAMPLES / "image-tools" / "photo.jpg"


def in_bundle(name: str, code: str, data: bytes = b"") -> Any:
    """Run code where a bundle's shared modules can be imported, `data` at its stdin."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES / name), "PYTHONDONTWRITEBYTECODE": "1"},
        input=data,
        capture_output=True,
        check=True,
    )
    return done.stdout


def skills_of(bundle: str) -> list[str]:
    return [skill["name"] for skill in check_folder(EXAMPLES / bundle)[0]["skills"]]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_an_example_has_no_faults_and_each_skill_shows_how_to_call_it(bundle: Path) -> None:
    manifest, faults = check_folder(bundle)
    assert faults == []
    assert read_requirements(bundle)[1] == []
    for skill in manifest["skills"]:
        assert skill["description"]
        assert skill["examples"]
        assert skill["output_schema"]


def test_the_examples_are_all_there() -> None:
    assert {bundle.name for bundle in BUNDLES} >= {
        "hello-world",
        "image-tools",
        "triage",
        "ugc-ads",
    }
    assert skills_of("image-tools") == ["dimensions", "dominant-colors", "strip-exif", "thumbnail"]
    assert skills_of("triage") == ["ticket"]
    assert skills_of("ugc-ads") == ["ugc-ad", "ugc-ad/script"]


def test_the_bundles_are_in_the_distribution_and_the_apps_are_not() -> None:
    project = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text("utf-8"))
    targets = project["tool"]["hatch"]["build"]["targets"]
    names = [f"examples/{bundle.name}" for bundle in BUNDLES]
    assert targets["wheel"]["force-include"] == {name: f"puras/{name}" for name in names}
    packed = [path for path in targets["sdist"]["include"] if "examples" in path]
    assert packed == [f"/{name}" for name in names]


def test_the_photo_to_try_with_is_not_deployed() -> None:
    names = {file.name for file in files_to_pack(EXAMPLES / "image-tools")}
    assert not names & {"photo.jpg", "make_photo.py", "README.md"}
    assert {"requirements.txt", "lib/pictures.py", "thumbnail/main.py"} <= names


def test_what_the_agents_read_is_deployed_and_what_they_are_tried_with_is_not() -> None:
    ads = {file.name for file in files_to_pack(EXAMPLES / "ugc-ads")}
    assert not ads & {"product.html", "README.md"}
    assert {"ugc-ad/references/storyboard.md", "ugc-ad/subskills/script/SKILL.md"} <= ads
    triage = {file.name for file in files_to_pack(EXAMPLES / "triage")}
    assert {"ticket/references/policy.md", "ticket/tools/customers.json"} <= triage


def test_the_photo_is_small_and_tells_a_place() -> None:
    assert PHOTO.stat().st_size < 200_000
    with Image.open(PHOTO) as photo:
        assert photo.getexif().get_ifd(ExifTags.IFD.GPSInfo)


CARD = """
from lib.card import draw
from lib.png import encode
sys.stdout.buffer.write(encode(draw(json.load(sys.stdin), "#1f9d63")))
"""


@pytest.mark.parametrize("lines", [["Happy birthday,", "Ada!"], ["x" * 40, "Ünï ✨\n"]])
def test_a_card_is_a_png_with_white_letters(lines: list[str]) -> None:
    png = in_bundle("hello-world", CARD, json.dumps(lines).encode())
    with Image.open(io.BytesIO(png)) as card:
        card.load()
        assert (card.format, card.size) == ("PNG", (640, 360))
        counted = card.getcolors(640 * 360)
        assert counted is not None
        assert {color: count for count, color in counted}[(255, 255, 255)] > 500


PICTURES = """
from lib.pictures import *
picture = read_picture(sys.stdin.buffer.read())
"""


def test_a_photo_cleaned_keeps_its_pixels_and_tells_nothing() -> None:
    code = f"{PICTURES}\nsys.stdout.buffer.write(encode(upright(picture), 'jpeg'))"
    clean = in_bundle("image-tools", code, PHOTO.read_bytes())
    with Image.open(io.BytesIO(clean)) as photo, Image.open(PHOTO) as before:
        assert photo.size == before.size
        assert dict(photo.getexif()) == {}
        assert "comment" not in photo.info


def test_what_a_photo_tells_is_named() -> None:
    code = f"{PICTURES}\nprint(json.dumps(metadata(picture)))"
    names, has_location = json.loads(in_bundle("image-tools", code, PHOTO.read_bytes()))
    assert has_location is True
    assert {"GPSLatitude", "Model", "DateTimeOriginal", "comment"} <= set(names)
    assert not {"GPSInfo", "ExifOffset"} & set(names)


def test_a_photo_taken_sideways_is_measured_and_turned_upright() -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (40, 20), "red").save(file, "jpeg", exif=exif)
    code = f"{PICTURES}\nprint(json.dumps([shown_size(picture), upright(picture).size]))"
    assert json.loads(in_bundle("image-tools", code, file.getvalue())) == [[20, 40], [20, 40]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK"])
@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_a_picture_of_any_mode_becomes_a_thumbnail_of_any_format(mode: str, format: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 32), "#ff8800").convert(mode).save(file, "tiff")
    code = f"{PICTURES}\nsys.stdout.buffer.write(encode(upright(picture), {format!r}))"
    with Image.open(io.BytesIO(in_bundle("image-tools", code, file.getvalue()))) as picture:
        assert picture.format == format.upper()
        assert picture.size == (64, 32)


def test_what_can_be_seen_through_stays_so_where_the_format_can() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).quantize(2).save(file, "png")
    code = f"{PICTURES}\nsys.stdout.buffer.write(encode(picture, 'png'))"
    with Image.open(io.BytesIO(in_bundle("image-tools", code, file.getvalue()))) as picture:
        assert picture.getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_the_colors_of_a_picture_come_with_their_shares() -> None:
    picture = Image.new("RGB", (100, 100), "#ff8800")
    picture.paste("#0000ff", (0, 0, 25, 100))
    file = io.BytesIO()
    picture.save(file, "png")
    code = f"{PICTURES}\nprint(json.dumps(main_colors(picture, 4)))"
    colors = json.loads(in_bundle("image-tools", code, file.getvalue()))
    assert colors == [["#ff8800", 0.75], ["#0000ff", 0.25]]


@pytest.mark.parametrize("data", [b"", b"no picture", PHOTO.read_bytes()[:5000]])
def test_what_is_no_picture_is_told_to_the_caller(data: bytes) -> None:
    code = """
import puras
from lib.pictures import read_picture
try:
    read_picture(sys.stdin.buffer.read())
except puras.UserError as error:
    print(error)
"""
    assert b"picture" in in_bundle("image-tools", code, data)


CUSTOMERS = """
sys.path.insert(0, "{folder}")
from customers import lookup_customer
print(json.dumps([lookup_customer(asked) for asked in json.load(sys.stdin)]))
"""


def test_a_customer_is_found_by_number_or_address_and_a_stranger_is_not() -> None:
    code = CUSTOMERS.format(folder=EXAMPLES / "triage" / "ticket" / "tools")
    asked = json.dumps(["C-1001", " GRACE@example.com", "nobody@example.com"]).encode()
    by_number, by_address, nobody = json.loads(in_bundle("triage", code, asked))
    assert by_number == by_address
    assert (by_number["found"], by_number["plan"]) == (True, "team")
    assert nobody == {"found": False}


CHECKED = """
sys.path.insert(0, "{folder}")
from checks import keeps_to_the_policy
reply = json.load(sys.stdin)
print(json.dumps(keeps_to_the_policy({{"customer": "ada@example.com"}}, {{"reply": reply}}, {{}})))
"""


@pytest.mark.parametrize(
    ("reply", "score", "reason"),
    [
        ("Ada, a colleague looks into it and writes to ada@example.com.", 1.0, "keeps to it"),
        ("We will refund you.", 0.0, "promises money"),
        ("It was for grace@example.com.", 0.0, "names grace@example.com"),
        ("word " * 121, 0.0, "121 words"),
    ],
)
def test_a_reply_is_checked_against_the_policy(reply: str, score: float, reason: str) -> None:
    code = CHECKED.format(folder=EXAMPLES / "triage" / "ticket" / "evals")
    found = json.loads(in_bundle("triage", code, json.dumps(reply).encode()))
    assert found["score"] == score
    assert reason in found["reason"]


def test_each_ticket_to_evaluate_with_fits_the_contract() -> None:
    (skill,) = check_folder(EXAMPLES / "triage")[0]["skills"]
    output = skill["output_schema"]
    assert output is not None
    cases = EXAMPLES / "triage" / "ticket" / "evals" / "tickets.jsonl"
    read = [json.loads(line) for line in cases.read_text("utf-8").splitlines()]
    assert len({case["id"] for case in read}) == len(read) == 10
    for case in read:
        assert compile_schema(skill["input_schema"]).violations(case["inputs"]) == []
        expected = {**output, "required": []}
        assert compile_schema(expected).violations(case["expected"]) == []

from __future__ import annotations

from email.utils import formatdate

import pytest

from puras.server.clock import SECOND
from puras.server.drive.disposition import disposition
from puras.server.drive.serving import Slice, asked_part, is_unchanged
from puras.server.drive.store import DriveFile
from puras.server.refusals import Refused

MADE = 1_800_000_000
FILE = DriveFile("w", "a.png", 100, "image/png", "blob1", MADE * SECOND + 5)
MADE_TEXT = formatdate(MADE, usegmt=True)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", Slice(0, 10)),
        ("bytes=90-", Slice(90, 100)),
        ("bytes=-10", Slice(90, 100)),
        ("bytes=-500", Slice(0, 100)),
        ("bytes=50-5000", Slice(50, 100)),
        ("bytes=99-99", Slice(99, 100)),
    ],
)
def test_one_range_is_understood(asked: str, part: Slice) -> None:
    assert asked_part({"range": asked}, FILE) == part


@pytest.mark.parametrize(
    "asked", ["", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "lines=1-2", "bytes=0-1,5-6"]
)
def test_what_is_no_single_range_gets_the_whole_file(asked: str) -> None:
    assert asked_part({"range": asked}, FILE) is None


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_of_the_file_is_refused(asked: str) -> None:
    with pytest.raises(Refused, match="range_not_satisfiable") as refusal:
        asked_part({"range": asked}, FILE)
    assert refusal.value.status == 416


def test_if_range_of_an_older_version_gets_the_whole_file() -> None:
    for current in ('"blob1"', MADE_TEXT):
        assert asked_part({"range": "bytes=0-1", "if-range": current}, FILE) == Slice(0, 2)
    for older in ('"blob0"', formatdate(MADE - 1, usegmt=True), 'W/"blob1"'):
        assert asked_part({"range": "bytes=0-1", "if-range": older}, FILE) is None


def test_a_known_version_is_unchanged() -> None:
    assert is_unchanged({"if-none-match": '"x", W/"blob1"'}, FILE)
    assert is_unchanged({"if-none-match": "*"}, FILE)
    assert is_unchanged({"if-modified-since": MADE_TEXT}, FILE)
    assert not is_unchanged({"if-none-match": '"x"', "if-modified-since": MADE_TEXT}, FILE)
    assert not is_unchanged({"if-modified-since": formatdate(MADE - 1)}, FILE)
    assert not is_unchanged({"if-modified-since": "yesterday"}, FILE)
    assert not is_unchanged({}, FILE)


@pytest.mark.parametrize(
    "mime",
    ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "audio/x", "video/x"],
)
def test_harmless_pictures_sound_and_film_are_shown(mime: str) -> None:
    assert disposition("a/b", mime).startswith("inline;")


@pytest.mark.parametrize("mime", ["image/svg+xml", "text/html", "application/pdf", "text/plain"])
def test_everything_else_is_a_download(mime: str) -> None:
    assert disposition("a/b", mime).startswith("attachment;")


def test_a_download_is_named_after_the_file_in_plain_ascii() -> None:
    shown = disposition('x/ä "b";\u2028.svg', "image/svg+xml")
    assert shown == "attachment; filename*=UTF-8''%C3%A4%20%22b%22%3B%E2%80%A8.svg"

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.server.clock import SECOND
from puras.server.drive.paths import clean
from puras.server.drive.signing import LocalSigner, SignedFile
from puras.server.drive.store import DriveFile
from puras.server.refusals import Refused

ORIGIN = "https://puras.example"
HOUR = 3600


@dataclass
class At:
    """A clock that stands at a second."""

    second: int

    def __call__(self) -> int:
        return self.second * SECOND


def make(second: int = 100 * HOUR, secret: bytes = b"s" * 32) -> LocalSigner:
    return LocalSigner(secret, public_url=ORIGIN, clock=At(second), result_ttl=86_400)


def file(path: str) -> DriveFile:
    return DriveFile("w1", path, size_bytes=1, mime="text/plain", blob="b", created_at=0)


def signed_part(url: str) -> str:
    prefix = f"{ORIGIN}/v1/files/"
    assert url.startswith(prefix)
    return unquote(url[len(prefix) :])


async def test_a_signed_url_names_its_file_until_it_expires() -> None:
    url = await make(1000).url(file("a/b c.png"), ttl=60)
    assert url.endswith("/w1/a/b%20c.png")
    assert await make(1059).open_own(url) == SignedFile("w1", "a/b c.png")
    with pytest.raises(Refused, match="bad_signature") as refusal:
        make(1060).check(signed_part(url))
    assert refusal.value.status == 403


@given(st.text(min_size=1, max_size=30))
async def test_every_clean_path_survives_the_url(path: str) -> None:
    try:
        path = clean(path)
    except Refused:
        return
    signer = make()
    assert await signer.open_own(await signer.url(file(path), ttl=60)) == SignedFile("w1", path)


@given(st.integers(0, 120), st.characters(codec="ascii", categories=["L", "N"]))
async def test_no_changed_url_is_good(place: int, char: str) -> None:
    good = signed_part(await make().url(file("folder/file.png"), ttl=60))
    place %= len(good)
    changed = good[:place] + char + good[place + 1 :]
    if changed != good:
        with pytest.raises(Refused, match="bad_signature"):
            make().check(changed)


@pytest.mark.parametrize("signed", ["", "x", "1.2/w/p", "9" * 12 + "." + "A" * 43 + "/w/p"])
def test_what_is_no_signature_is_refused(signed: str) -> None:
    with pytest.raises(Refused, match="bad_signature"):
        make().check(signed)


async def test_another_secret_signs_otherwise() -> None:
    url = await make().url(file("a"), ttl=60)
    assert await make(secret=b"t" * 32).open_own(url) is None


async def test_result_urls_are_equal_within_the_hour_and_live_long_enough() -> None:
    start = 100 * HOUR
    first, last, next_hour = [
        (await make(second).result_urls("w1", ["a"]))["a"]
        for second in (start, start + HOUR - 1, start + HOUR)
    ]
    assert first == last != next_hour
    assert await make(start + HOUR - 1 + 86_400).open_own(last) is not None
    assert await make(start + HOUR + 86_400).open_own(last) is None


async def test_a_url_of_another_origin_is_not_ours() -> None:
    url = await make().url(file("a"), ttl=60)
    for other in (url.replace("https", "http"), url.replace(".example", ".example.org"), "x"):
        assert await make().open_own(other) is None


async def test_a_query_or_fragment_changes_nothing() -> None:
    url = await make().url(file("a"), ttl=60)
    assert await make().open_own(url + "?download=1#top") == SignedFile("w1", "a")

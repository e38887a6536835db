from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from puras.server.clock import SECOND
from puras.server.db.sqlite import SQLiteDatabase
from puras.server.drive.presigned import PresignedSigner
from puras.server.drive.signing import LocalSigner, SignedFile
from puras.server.drive.store import Drive, DriveFile, Origin
from puras.server.storage.cache import Cache
from puras.server.storage.s3 import S3Storage, open_bucket

from ..conftest import Seed
from ..s3 import ACCESS_KEY, REGION, SECRET_KEY
from ..support import HandClock

ORIGIN = "https://puras.example"
HOUR = 3600 * SECOND
DAY = 86_400


class Bench:
    """A drive in a bucket, a signer for it, and a clock that is moved by hand."""

    def __init__(self, db: SQLiteDatabase, url: str, folder: Path) -> None:
        cache = Cache(folder / "cache", incoming=folder / "incoming", limit=1 << 20)
        self.clock = HandClock(moment=500_000 * HOUR)
        self.storage = S3Storage(open_bucket(url, environment=os.environ), cache=cache)
        self.drive = Drive(self.storage, db=db, clock=self.clock)

    async def signer(self, *, result_ttl: int = DAY) -> PresignedSigner:
        own = LocalSigner(b"s" * 32, public_url=ORIGIN, clock=self.clock, result_ttl=result_ttl)
        return PresignedSigner(
            own,
            storage=self.storage,
            prefix=await self.storage.url_prefix(),
            drive=self.drive,
            clock=self.clock,
            result_ttl=result_ttl,
        )

    async def write(self, path: str, content: bytes = b"hello", *, mime: str = "") -> DriveFile:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        origin = Origin(declared_mime=mime)
        return await self.drive.write("acme", path, chunks=chunks(), origin=origin)


@pytest.fixture
async def bench(db: SQLiteDatabase, seed: Seed, bucket_url: str, tmp_path: Path) -> Bench:
    await seed.workspace("acme")
    return Bench(db, bucket_url, tmp_path)


def signature_by_botocore(url: str) -> str:
    """Sign what a URL asks for, at the time it names, with another implementation."""
    bare, _, signature = url.partition("&X-Amz-Signature=")
    assert signature
    request = AWSRequest("GET", bare)
    request.context["timestamp"] = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
    signer = S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))


def asked(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


async def test_a_signed_url_is_the_buckets_own_and_rightly_signed(
    bench: Bench, s3_endpoint: str
) -> None:
    file = await bench.write("a/ä b.png", mime="image/png")
    url = await (await bench.signer()).url(file, ttl=90)
    assert url.startswith(f"{s3_endpoint}/puras-")
    assert asked(url, "X-Amz-Expires") == "90"
    assert asked(url, "X-Amz-Signature") == signature_by_botocore(url)
    assert asked(url, "X-Amz-Signature") != signature_by_botocore(url.replace("=90", "=91"))
    answer = httpx2.get(url)
    assert answer.content == b"hello"
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''%C3%A4%20b.png"


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml", "application/pdf"])
async def test_what_could_be_taken_for_a_page_is_a_download(bench: Bench, mime: str) -> None:
    url = await (await bench.signer()).url(await bench.write("a", mime=mime), ttl=60)
    assert httpx2.get(url).headers["content-disposition"].startswith("attachment;")


async def test_a_url_of_ours_leads_back_to_its_file(bench: Bench) -> None:
    signer = await bench.signer()
    for path, content in (("a/ä b.png", b"hello"), ("empty", b"")):
        url = await signer.url(await bench.write(path, content), ttl=60)
        assert url.startswith(signer.prefixes)
        assert await signer.open_own(url) == SignedFile("acme", path)
        assert await signer.open_own(url + "#top") == SignedFile("acme", path)


async def test_a_url_that_the_bucket_refuses_is_not_ours(bench: Bench) -> None:
    signer = await bench.signer()
    file = await bench.write("a")
    good = await signer.url(file, ttl=60)
    unsigned, no_such_bytes = good.partition("?")[0], good.replace(file.blob, "0" * 36)
    for url in (unsigned, no_such_bytes, "https://x.example/", "x"):
        assert await signer.open_own(url) is None


async def test_a_url_of_a_file_written_anew_is_not_ours(bench: Bench) -> None:
    signer = await bench.signer()
    url = await signer.url(await bench.write("a", b"old"), ttl=60)
    await bench.write("a", b"new")
    assert await signer.open_own(url) is None


async def test_a_bundle_is_never_behind_a_url_of_ours(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(b"secret")
    await bench.storage.adopt("bundles/abc.zip", tmp_path / "bundle")
    url = await bench.storage.signed_url("bundles/abc.zip", seconds=60)
    assert httpx2.get(url).content == b"secret"
    assert await (await bench.signer()).open_own(url) is None


async def test_result_urls_are_equal_within_the_hour_and_live_long_enough(bench: Bench) -> None:
    signer = await bench.signer()
    await bench.write("a")
    first = await signer.result_urls("acme", ["a"])
    bench.clock.moment += HOUR - SECOND
    assert await signer.result_urls("acme", ["a"]) == first
    bench.clock.moment += 11 * SECOND
    next_hour = await signer.result_urls("acme", ["a"])
    assert asked(first["a"], "X-Amz-Expires") == str(DAY + 3600)
    assert asked(next_hour["a"], "X-Amz-Expires") == str(DAY + 3590)
    assert httpx2.get(first["a"]).content == b"hello"


async def test_a_file_written_anew_has_another_result_url(bench: Bench) -> None:
    signer = await bench.signer()
    await bench.write("a", b"old")
    before = await signer.result_urls("acme", ["a"])
    await bench.write("a", b"new")
    after = await signer.result_urls("acme", ["a"])
    assert before != after
    assert httpx2.get(after["a"]).content == b"new"


async def test_what_no_bucket_signs_for_so_long_leads_to_this_server(bench: Bench) -> None:
    week = int(timedelta(days=7).total_seconds())
    signer = await bench.signer(result_ttl=week)
    file = await bench.write("a")
    assert asked(await signer.url(file, ttl=week), "X-Amz-Expires") == str(week)
    for url in (
        await signer.url(file, ttl=week + 1),
        (await signer.result_urls("acme", ["a"]))["a"],
    ):
        assert url.startswith(f"{ORIGIN}/v1/files/")
        assert await signer.open_own(url) == SignedFile("acme", "a")
        assert signer.check(url.removeprefix(f"{ORIGIN}/v1/files/")) == SignedFile("acme", "a")


async def test_a_result_whose_file_is_gone_leads_to_this_server(bench: Bench) -> None:
    urls = await (await bench.signer()).result_urls("acme", ["gone"])
    assert urls["gone"].startswith(f"{ORIGIN}/v1/files/")


async def test_passing_credentials_sign_nothing(
    bench: Bench,
    db: SQLiteDatabase,
    bucket_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "gone within the hour")
    passing = Bench(db, bucket_url, tmp_path)
    signer = await passing.signer()
    file = await passing.write("a")
    assert (await signer.url(file, ttl=60)).startswith(f"{ORIGIN}/v1/files/")
    assert (await signer.result_urls("acme", ["a"]))["a"].startswith(f"{ORIGIN}/v1/files/")

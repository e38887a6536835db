"""Fetching a caller's URL: where it may lead, and how it can fail. Real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from puras.server.address import is_public
from puras.server.fetch import Fetcher
from puras.server.refusals import Refused

Handler = Callable[[str], Awaitable[bytes]]


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


@dataclass
class Site:
    """A web server of one test: path → the bytes it answers with; unknown paths hang."""

    answers: dict[str, bytes] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str, host: str = "site.test") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        path = head.split(" ")[1]
        if path in self.answers:
            writer.write(self.answers[path])
        else:
            await reader.read()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    yield site
    server.close()


async def nothing_of_ours(url: str) -> Path | None:
    return None


async def to_loopback(host: str, port: int) -> list[str]:
    """Resolve the test's names to the test's server, and addresses to themselves."""
    return ["127.0.0.1"] if host.endswith(".test") else [host]


def fetcher(
    *, allowed: Callable[[str], bool] = lambda address: address == "127.0.0.1", **changes: object
) -> Fetcher:
    options: dict[str, object] = {
        "allow_private": False,
        "own_prefixes": ("https://puras.test/v1/files/",),
        "open_own": nothing_of_ours,
        "is_allowed": allowed,
        "resolve": to_loopback,
    }
    return Fetcher(**{**options, **changes})  # type: ignore[arg-type]


async def refusal(fetcher: Fetcher, url: str, target: Path, **options: float) -> Refused:
    with pytest.raises(Refused) as caught:
        await fetcher.fetch(url, target, **options)  # type: ignore[arg-type]
    assert not target.exists()
    return caught.value


async def test_a_url_is_written_to_its_target(site: Site, tmp_path: Path) -> None:
    site.answers["/a?b=c"] = answer("200 OK", b"body", Content_Type="Image/PNG; x=y")
    fetched = await fetcher().fetch(site.url("/a?b=c"), tmp_path / "got")
    assert (fetched.size, fetched.mime) == (4, "image/png")
    assert (tmp_path / "got").read_bytes() == b"body"
    assert f"Host: site.test:{site.port}" in site.heads[0]


async def test_a_type_that_is_not_given_is_plain_bytes(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", b"")
    assert (
        await fetcher().fetch(site.url("/"), tmp_path / "got")
    ).mime == "application/octet-stream"


async def test_a_body_that_was_packed_is_unpacked(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", gzip.compress(b"x" * 5000), Content_Encoding="gzip")
    assert (await fetcher().fetch(site.url("/"), tmp_path / "got")).size == 5000


async def test_a_bomb_is_stopped_while_it_is_unpacked(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    refused = await refusal(fetcher(), site.url("/"), tmp_path / "got", limit=1_000_000)
    assert refused.code == "too_large"


async def test_an_unknown_encoding_is_refused(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", b"x", Content_Encoding="br")
    refused = await refusal(fetcher(), site.url("/"), tmp_path / "got")
    assert refused.code == "fetch_failed"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "304 Not Modified"])
async def test_a_status_that_is_no_success_fails(site: Site, tmp_path: Path, status: str) -> None:
    site.answers["/"] = answer(status)
    refused = await refusal(fetcher(), site.url("/"), tmp_path / "got")
    assert (refused.code, refused.status) == ("fetch_failed", 400)
    assert status[:3] in refused.detail


async def test_a_query_with_a_signature_stays_out_of_the_sentence(
    site: Site, tmp_path: Path
) -> None:
    site.answers["/a?signature=s3cret"] = answer("404 Not Found")
    refused = await refusal(fetcher(), site.url("/a?signature=s3cret"), tmp_path / "got")
    assert "s3cret" not in refused.detail


async def test_a_body_that_says_it_is_too_large_is_not_read(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", b"x", Content_Length="11")
    refused = await refusal(fetcher(), site.url("/"), tmp_path / "got", limit=10)
    assert (refused.code, refused.status) == ("too_large", 413)


async def test_a_body_that_goes_on_is_stopped_at_the_limit(site: Site, tmp_path: Path) -> None:
    chunks = b"".join(b"5\r\nhello\r\n" for _ in range(100)) + b"0\r\n\r\n"
    site.answers["/"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    refused = await refusal(fetcher(), site.url("/"), tmp_path / "got", limit=99)
    assert refused.code == "too_large"


async def test_a_server_that_hangs_is_given_up(site: Site, tmp_path: Path) -> None:
    refused = await refusal(fetcher(), site.url("/hang"), tmp_path / "got", timeout=0.1)
    assert refused.code == "fetch_failed"
    assert "longer than 0.1 s" in refused.detail


async def test_a_body_that_is_cut_fails(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", b"x", Content_Length="100")
    assert (await refusal(fetcher(), site.url("/"), tmp_path / "got")).code == "fetch_failed"


async def test_a_server_that_speaks_no_http_fails(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = b"SSH-2.0-OpenSSH\r\n\r\n"
    assert (await refusal(fetcher(), site.url("/"), tmp_path / "got")).code == "fetch_failed"


async def test_a_port_where_nobody_listens_fails(tmp_path: Path, unused_port: int) -> None:
    url = f"http://site.test:{unused_port}/"
    assert (await refusal(fetcher(), url, tmp_path / "got")).code == "fetch_failed"


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def test_a_name_without_address_fails(tmp_path: Path) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    refused = await refusal(fetcher(resolve=unknown), "http://no.test/", tmp_path / "got")
    assert refused.code == "fetch_failed"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://site.test/a",
        "file:///etc/passwd",
        "//site.test/a",
        "http://",
        "not a url",
        "",
        "http://user@site.test/",
        "http://user:password@site.test/",
        "http://site.test:99999/",
    ],
)
async def test_what_is_no_plain_web_url_is_refused(tmp_path: Path, url: str) -> None:
    assert (await refusal(fetcher(), url, tmp_path / "got")).code == "fetch_failed"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%1", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("2002:7f00:1::1", "2002:c0a8:101::1", "::127.0.0.1", "2001:0:1234::1", "nonsense", ""),
    ],
)
def test_addresses_that_are_not_for_everyone_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_for_everyone_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"]
)
async def test_no_way_of_writing_loopback_gets_through(
    site: Site, tmp_path: Path, host: str
) -> None:
    real = Fetcher(
        allow_private=False,
        own_prefixes=("https://puras.test/v1/files/",),
        open_own=nothing_of_ours,
    )
    refused = await refusal(real, site.url("/", host), tmp_path / "got")
    assert refused.code == "address_not_allowed"
    assert site.heads == []


async def test_private_addresses_are_fetched_where_the_operator_allows_them(
    site: Site, tmp_path: Path
) -> None:
    site.answers["/"] = answer("200 OK", b"inside")
    real = Fetcher(
        allow_private=True, own_prefixes=("https://puras.test/v1/files/",), open_own=nothing_of_ours
    )
    assert (await real.fetch(site.url("/", "127.0.0.1"), tmp_path / "got")).size == 6


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    site: Site, tmp_path: Path
) -> None:
    async def mixed(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "169.254.169.254"]

    refused = await refusal(fetcher(resolve=mixed), site.url("/"), tmp_path / "got")
    assert refused.code == "address_not_allowed"


async def test_a_name_is_resolved_once_and_its_answer_is_the_address_used(
    site: Site, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    site.answers["/"] = answer("200 OK", b"x")
    assert (await fetcher(resolve=rebinding).fetch(site.url("/"), tmp_path / "got")).size == 1
    assert asked == ["site.test"]


async def test_a_name_that_rebinds_between_redirects_is_caught(site: Site, tmp_path: Path) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    site.answers["/"] = answer("302 Found", Location="/again")
    refused = await refusal(fetcher(resolve=rebinding), site.url("/"), tmp_path / "got")
    assert refused.code == "address_not_allowed"
    assert len(site.heads) == 1


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_a_redirect_is_followed(site: Site, tmp_path: Path, status: str) -> None:
    site.answers["/a/b"] = answer(status, Location="../c")
    site.answers["/c"] = answer("200 OK", b"there")
    assert (await fetcher().fetch(site.url("/a/b"), tmp_path / "got")).size == 5


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/latest/meta-data", "address_not_allowed"),
        ("http://[::1]/", "address_not_allowed"),
        ("file:///etc/passwd", "fetch_failed"),
        ("http://user:password@site.test/", "fetch_failed"),
    ],
)
async def test_every_redirect_is_looked_at_like_the_first_url(
    site: Site, tmp_path: Path, location: str, code: str
) -> None:
    site.answers["/"] = answer("302 Found", Location=location)
    assert (await refusal(fetcher(), site.url("/"), tmp_path / "got")).code == code


async def test_five_redirects_are_followed_and_six_are_not(site: Site, tmp_path: Path) -> None:
    for n in range(6):
        site.answers[f"/{n}"] = answer("302 Found", Location=f"/{n + 1}")
    site.answers["/6"] = answer("200 OK", b"end")
    assert (await fetcher().fetch(site.url("/1"), tmp_path / "five")).size == 3
    refused = await refusal(fetcher(), site.url("/0"), tmp_path / "six")
    assert "more than 5" in refused.detail


async def test_proxies_of_the_environment_are_not_used(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    site.answers["/"] = answer("200 OK", b"direct")
    assert (await fetcher().fetch(site.url("/"), tmp_path / "got")).size == 6


async def test_a_signed_url_of_ours_is_read_from_storage(site: Site, tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(b"from storage")

    async def open_own(url: str) -> Path | None:
        return tmp_path / "stored" if url.endswith("?signature=good") else None

    own = fetcher(open_own=open_own)
    url = "https://puras.test/v1/files/acme/a.png"
    fetched = await own.fetch(f"{url}?signature=good", tmp_path / "got")
    assert (fetched.size, fetched.mime) == (12, "image/png")
    assert (tmp_path / "got").read_bytes() == b"from storage"
    assert (await refusal(own, f"{url}?signature=bad", tmp_path / "bad")).code == "fetch_failed"
    large = await refusal(own, f"{url}?signature=good", tmp_path / "large", limit=11)
    assert large.code == "too_large"


async def test_a_redirect_to_a_signed_url_of_ours_is_read_from_storage(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "stored").write_bytes(b"from storage")

    async def open_own(url: str) -> Path | None:
        return tmp_path / "stored"

    site.answers["/"] = answer("302 Found", Location="https://puras.test/v1/files/a")
    fetched = await fetcher(open_own=open_own).fetch(site.url("/"), tmp_path / "got")
    assert fetched.size == 12


async def test_a_target_that_is_a_link_is_not_written_through(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = answer("200 OK", b"x")
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with pytest.raises(Refused):
        await fetcher().fetch(site.url("/"), tmp_path / "link")
    assert (tmp_path / "kept").read_text() == "kept"

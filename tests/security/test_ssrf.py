"""Every place that follows a URL, with every trick that could lead it inside.

How a fetch behaves that may go on (limits, redirects, bombs, slow servers) is in
`tests/server/test_fetch.py`.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore2
import pytest

from puras.bundle.files import DeclaredFile
from puras.server.address import is_public
from puras.server.agent import shown_files
from puras.server.agent.tools.web import web_tools
from puras.server.fetch import Fetcher
from puras.server.media.adapt import Adapted
from puras.server.media.providers.calling import Provided
from puras.server.media.providers.port import MediaFailed
from puras.server.media.providers.results import fetch_file
from puras.server.refusals import Refused
from puras.server.worker.given_files import load_file

from ..server.agent.support import Attempt, open_bench
from ..server.media.support import adapted, order
from ..server.support import open_platform

OUTSIDE = "127.0.0.2"
"""Stands for the internet: the one address of this machine that is let through."""

SIX = "::1" if Path("/proc/net/if_inet6").exists() else "127.0.0.3"

NAMES = {
    "outside.test": [OUTSIDE],
    "localhost": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "inside.nip.test": ["127.0.0.1"],
    "both.test": [OUTSIDE, "127.0.0.1"],
    "six.test": ["::ffff:127.0.0.1"],
    "private.test": ["10.1.2.3"],
}

INSIDE = [
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1"),
    *("017700000001", "0", "0.0.0.0", "127.0.0.1.", "127.255.255.254", "localhost", "LOCALHOST"),
    *("localhost.", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]"),
    *("[2001:0:7f00:1::1]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]"),
    *("[fec0::1]", "[ff02::1]", "[100::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1"),
    *("169.254.169.254", "[::ffff:a9fe:a9fe]", "0xa9fea9fe", "192.0.0.192", "168.63.129.16.test"),
    *("metadata.google.internal", "METADATA.google.internal.", "inside.nip.test", "both.test"),
    *("six.test", "private.test", "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "%31%32%37.0.0.1"),
    *("outside.test@127.0.0.1", "outside.test:80@127.0.0.1", "127.0.0.1\\@outside.test"),
    *("outside.test%00.127.0.0.1", "outside.test%2f@127.0.0.1", "[::1]outside.test"),
]
SCHEMES = [
    *("file:///etc/passwd", "FILE:///etc/passwd", "ftp://outside.test/", "gopher://127.0.0.1/_x"),
    *("dict://127.0.0.1/", "ldap://127.0.0.1/", "unix:///run/x.sock", "jar:http://127.0.0.1!/"),
    *("//127.0.0.1/", "http:127.0.0.1/", "http:/127.0.0.1/", "http:///127.0.0.1/", "http://"),
]


@dataclass
class Sites:
    """A web server inside, which nobody may reach, and one outside, which leads there."""

    port: int = 0
    leads: dict[str, str] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)

    def inside(self, host: str) -> str:
        return f"http://{host}:{self.port}/latest/meta-data"

    def through(self, url: str) -> str:
        """Return a URL outside that redirects."""
        path = f"/to/{len(self.leads)}"
        self.leads[path] = url
        return f"http://outside.test:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        address, path = writer.get_extra_info("sockname")[0], head.split(" ")[1]
        if address == OUTSIDE and path in self.leads:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + self.leads[path].encode())
        elif address == OUTSIDE:
            writer.write(b"HTTP/1.1 404 Not Found")  # it was led here, which is no harm
        else:
            self.reached.append(f"{address} {head}")
            writer.write(b"HTTP/1.1 200 OK")
        writer.write(b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


async def look_up(host: str, port: int) -> list[str]:
    """Resolve names of the tests, and ways to write an address as the system reads them; asks no
    name server."""
    known = NAMES.get(host.lower().rstrip("."))
    if known is not None:
        return known
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(address[0]) for *_, address in found]


async def nothing_of_ours(url: str) -> Path | None:
    return None


def guarded(**changes: Any) -> Fetcher:
    options: dict[str, Any] = {
        "allow_private": False,
        "own_prefixes": (),
        "open_own": nothing_of_ours,
        "is_allowed": lambda address: is_public(address) or address == OUTSIDE,
        "resolve": look_up,
    }
    return Fetcher(**{**options, **changes})


Place = Callable[[Attempt, str, Path], Awaitable[None]]


async def by_a_helper(attempt: Attempt, url: str, folder: Path) -> None:
    await attempt.run.drive.fetch({"url": url}, folder)


async def as_an_input_of_media(attempt: Attempt, url: str, folder: Path) -> None:
    await load_file({"url": url}, attempt.run.drive, folder)


async def as_an_input_to_be_seen(attempt: Attempt, url: str, folder: Path) -> None:
    await shown_files._in_drive(attempt.run, DeclaredFile(("a",), "image", {"url": url}), number=0)


async def by_web_fetch(attempt: Attempt, url: str, folder: Path) -> None:
    await _used(attempt, "web_fetch", url)


async def by_download_url(attempt: Attempt, url: str, folder: Path) -> None:
    await _used(attempt, "download_url", url)


async def _used(attempt: Attempt, tool: str, url: str) -> None:
    reply = await attempt.use(tool, url=url)
    if not reply.ok:
        raise Refused("fetch_failed", reply.text)


async def as_a_provider_s_file(attempt: Attempt, url: str, folder: Path) -> None:
    provided = Provided("fal", "https://queue.fal.test", {"Authorization": "Key k"}, "k")
    fetcher = attempt.run.drive.fetcher
    await fetch_file(order(a_picture()), provided, fetcher, url=url, mime="image/png")


@functools.cache
def a_picture() -> Adapted:
    return adapted("generate_image", prompt="x")


PLACES: list[Place] = [
    *(by_a_helper, as_an_input_of_media, as_an_input_to_be_seen),
    *(by_web_fetch, by_download_url, as_a_provider_s_file),
]


@pytest.fixture
async def sites() -> AsyncIterator[Sites]:
    sites = Sites()
    async with await asyncio.start_server(sites.serve, "127.0.0.1", 0) as inside:
        sites.port = inside.sockets[0].getsockname()[1]
        async with (
            await asyncio.start_server(sites.serve, OUTSIDE, sites.port),
            await asyncio.start_server(sites.serve, SIX, sites.port),
        ):
            yield sites


@asynccontextmanager
async def attempting(home: Path, fetcher: Fetcher) -> AsyncIterator[Attempt]:
    async with open_platform(home) as platform, open_bench(platform) as bench:
        bench.fetcher = fetcher
        async with bench.attempt() as attempt:
            attempt.have(web_tools(attempt.run, attempt.hands))
            yield attempt


async def outcomes(place: Place, attempt: Attempt, urls: list[str], folder: Path) -> list[str]:
    """Return the URLs that a place did not refuse."""
    followed = []
    for number, url in enumerate(urls):
        target = folder / f"{number}"
        target.mkdir(parents=True)
        try:
            await place(attempt, url, target)
            followed.append(url)
        except (Refused, MediaFailed):
            continue
    return followed


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
async def test_no_spelling_and_no_redirect_leads_inside(
    tmp_path: Path, sites: Sites, place: Place
) -> None:
    direct = [*map(sites.inside, INSIDE), *SCHEMES]
    async with attempting(tmp_path / "home", guarded()) as attempt:
        assert await outcomes(place, attempt, direct, tmp_path / "direct") == []
        through = [sites.through(url) for url in direct]
        assert await outcomes(place, attempt, through, tmp_path / "through") == []
    assert sites.reached == []


class Recording(httpcore2.AsyncNetworkBackend):
    """Connects nowhere, and remembers where to."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        self.addresses.append(host)
        raise httpcore2.ConnectError("nobody is there")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
async def test_a_name_that_means_another_address_the_second_time_gets_no_second_time(
    tmp_path: Path, sites: Sites, place: Place
) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        """Answer as a name server with a time to live of nothing: outside first, then inside."""
        asked.append(host)
        return ["93.184.216.34"] if len(asked) % 2 else ["127.0.0.1"]

    fetcher, connections = guarded(resolve=rebinding), Recording()
    fetcher._backend._plain = connections  # type: ignore[assignment]
    async with attempting(tmp_path / "home", fetcher) as attempt:
        url = f"http://rebinding.test:{sites.port}/"
        assert await outcomes(place, attempt, [url], tmp_path / "one") == []
    assert asked == ["rebinding.test"]
    assert connections.addresses == ["93.184.216.34"]
    assert sites.reached == []


async def test_this_would_be_noticed(tmp_path: Path, sites: Sites) -> None:
    """With the guard off, the same requests arrive: the tests above can fail."""
    async with attempting(tmp_path / "home", guarded(is_allowed=lambda _: True)) as attempt:
        urls = [sites.inside("127.0.0.1"), sites.through(sites.inside("2130706433"))]
        assert await outcomes(by_a_helper, attempt, urls, tmp_path / "open") == urls
    assert len(sites.reached) == 2

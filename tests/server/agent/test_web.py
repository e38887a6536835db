"""The tools `web_fetch`, `download_url` and `drive_url`, on a real web server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from puras.server.agent.page_text import decoded, page_text
from puras.server.agent.tools.bash import bash_tools
from puras.server.agent.tools.drive import drive_tools
from puras.server.agent.tools.files import file_tools
from puras.server.agent.tools.web import web_tools
from puras.server.fetch import Fetcher

from ..support import ON_SQLITE
from .site import Site, serving_site
from .support import Attempt, Bench
from .test_files import PNG

pytestmark = ON_SQLITE

PAGE = """
<html><head><title>A shop</title><style>p {color: red}</style><script>evil()</script></head>
<body><h1>Shoes</h1><p>Fine <b>leather</b>,
hand-made. <a href="/buy?x=1&amp;y=2">Buy them</a></p>
<ul><li>one</li><li>two</li></ul><table><tr><th>size</th><th>price</th></tr>
<tr><td>42</td><td>99&nbsp;€</td></tr></table><pre>a
  b</pre><img alt="a shoe" src="x.png"></body></html>
"""


async def nothing_of_ours(url: str) -> Path | None:
    return None


async def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"] if host.endswith(".test") else [host]


@dataclass
class Web:
    """A site and a run that may reach it; it may reach nothing else."""

    site: Site
    bench: Bench


@pytest.fixture
async def web(bench: Bench) -> AsyncIterator[Web]:
    async with serving_site() as site:
        bench.fetcher = Fetcher(
            allow_private=False,
            own_prefixes=(),
            open_own=nothing_of_ours,
            is_allowed=lambda address: address == "127.0.0.1",
            resolve=to_loopback,
        )
        yield Web(site, bench)


def with_web(attempt: Attempt) -> Attempt:
    for tools in (web_tools, drive_tools, file_tools, bash_tools):
        attempt.have(tools(attempt.run, attempt.hands))
    return attempt


async def test_a_page_is_read_as_text_with_its_links(web: Web) -> None:
    url = web.site.give("/shop", PAGE.encode(), "text/html; charset=utf-8")
    async with web.bench.attempt() as attempt:
        reply = await with_web(attempt).use("web_fetch", url=url)
        assert not attempt.hands.used
    root = url.removesuffix("/shop")
    assert reply.text == (
        "# A shop\n\n# Shoes\n\nFine leather, hand-made. "
        f"[Buy them]({root}/buy?x=1&y=2)\n\n- one\n- two\n\nsize | price\n42 | 99\xa0€\n\n"
        "a\n  b\n\n[image: a shoe]"
    )


async def test_json_and_texts_come_as_they_are_and_long_ones_are_cut(web: Web) -> None:
    json_url = web.site.give("/a.json", b'{"a": 1}', "application/json")
    long_url = web.site.give("/long", b"x" * 150_000, "text/plain")
    async with web.bench.attempt() as attempt:
        with_web(attempt)
        assert (await attempt.use("web_fetch", url=json_url)).text == '{"a": 1}'
        long = (await attempt.use("web_fetch", url=long_url)).text
    assert long.endswith("x\n[… cut: it has 150,000 characters]")


async def test_an_image_is_seen_and_other_files_are_for_downloading(web: Web) -> None:
    image = web.site.give("/i.png", PNG, "image/png")
    archive = web.site.give("/a.zip", b"PK\x03\x04\0", "application/zip")
    async with web.bench.attempt() as attempt:
        with_web(attempt)
        seen = await attempt.use("web_fetch", url=image)
        refused = await attempt.use("web_fetch", url=archive)
    assert seen.files[0]["mime"] == "image/png"
    assert not refused.ok
    assert "use `download_url`" in refused.text


@pytest.mark.parametrize("tool", ["web_fetch", "download_url"])
@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/x", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://a/b"]
)
async def test_nothing_that_is_not_public_is_reached(web: Web, tool: str, url: str) -> None:
    async with web.bench.attempt() as attempt:
        reply = await with_web(attempt).use(tool, url=url)
    assert not reply.ok


async def test_a_redirect_to_a_private_address_is_not_followed(web: Web) -> None:
    url = web.site.redirect("/there", "http://192.168.0.1/secret")
    async with web.bench.attempt() as attempt:
        reply = await with_web(attempt).use("web_fetch", url=url)
    assert not reply.ok
    assert "not public" in reply.text


async def test_a_download_lies_in_the_drive_and_where_it_was_wanted(web: Web) -> None:
    url = web.site.give("/files/data.csv?token=1", b"a,b\n", "text/csv")
    async with web.bench.attempt() as attempt:
        with_web(attempt)
        kept = json.loads((await attempt.use("download_url", url=url)).text)
        assert not attempt.hands.used
        both = json.loads((await attempt.use("download_url", url=url, path="in/d.csv")).text)
        there = await attempt.use("bash", command="cat in/d.csv")
        path = kept["drive_path"]
        assert path.startswith(f"jobs/{attempt.run.row['id']}/downloads/")
    assert path.endswith("-data.csv")
    assert both == {**kept, "path": "in/d.csv"}
    assert (kept["mime"], kept["size_bytes"]) == ("text/csv", 4)
    assert there.text == "[exit code 0]\na,b"


async def test_no_download_is_put_outside_of_the_working_directory(web: Web) -> None:
    url = web.site.give("/x", b"x", "text/plain")
    async with web.bench.attempt() as attempt:
        with_web(attempt)
        for path in ("../x", "/tmp/x", "SKILL.md/x/../../../y"):
            reply = await attempt.use("download_url", url=url, path=path)
            assert not reply.ok, reply.text
            assert "the drive has it as jobs/" in reply.text


async def test_a_file_goes_to_the_drive_and_comes_back(web: Web) -> None:
    async with web.bench.attempt() as attempt:
        with_web(attempt)
        early = await attempt.use("drive_url", path="out/chart.txt")
        assert not attempt.hands.used
        await attempt.use("bash", command="mkdir out; echo chart > out/chart.txt")
        made = await attempt.use("drive_url", path="./out/chart.txt", ttl=60)
        told = json.loads(made.text)
        await attempt.use("bash", command="echo newer > out/chart.txt")
        again = json.loads((await attempt.use("drive_url", path="out/chart.txt")).text)
        back = await attempt.use("download_url", url=again["drive_path"], path="copy.txt")
        copy = await attempt.use("bash", command="cat copy.txt")
        job = attempt.run.row["id"]
    assert not early.ok
    assert told["drive_path"] == again["drive_path"] == f"jobs/{job}/out/chart.txt"
    assert told["url"].startswith("http")
    assert back.ok
    assert copy.text == "[exit code 0]\nnewer"


async def test_no_file_of_the_skill_or_of_another_place_goes_to_the_drive(web: Web) -> None:
    async with web.bench.attempt() as attempt:
        with_web(attempt)
        await attempt.use("bash", command="ln -s /etc/passwd link")
        for path in ("/etc/passwd", "link", "missing"):
            assert not (await attempt.use("drive_url", path=path)).ok


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("grün".encode(), "grün"),
        (b'<meta charset="latin-1">gr\xfcn', '<meta charset="latin-1">grün'),
        (b"gr\xfcn \x80", "grün €"),
        (b"\xff\xfeg\0r\0", "gr"),
        (b"<meta charset=no-such>ok", "<meta charset=no-such>ok"),
    ],
)
def test_a_text_is_decoded_as_it_says_itself(data: bytes, text: str) -> None:
    assert decoded(data).removeprefix("\ufeff") == text


def test_broken_pages_are_read_as_far_as_they_go() -> None:
    page = b"<p>one<p>two <a href='x'>three<div>four</a></script></b><script>no"
    told = page_text(page, url="http://a.test/").split()
    assert told == ["one", "two", "three", "[four](http://a.test/x)"]

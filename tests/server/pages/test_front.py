"""What browsers get of the dashboard, and what everybody else goes on getting of the API."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from puras.server.app import ROUTES, create_app
from puras.server.http import Http
from puras.server.pages.built import BuiltFiles, accepted
from puras.server.pages.front import NOT_PAGES, Pages
from puras.server.workspaces.reserved import RESERVED_SLUGS

from ..support import open_platform, problem

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
INDEX = b"<!doctype html><title>Dashboard</title>"
SCRIPT = b"export const dashboard = true;\n" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(INDEX)
    (folder / "favicon.svg").write_bytes(b"<svg/>")
    (folder / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "secret.env").write_bytes(b"TOKEN=1")
    (tmp_path / "outside.js").write_bytes(b"outside")
    return folder


@asynccontextmanager
async def opened(
    home: Path, folder: Path, *, file_urls: tuple[str, ...] = ()
) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_platform(home) as platform:
        urls = file_urls or platform.signer.prefixes
        app = Http(platform, ROUTES, pages=Pages(BuiltFiles(folder), file_urls=urls))
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://puras.test") as client:
            yield client
        await app.close()


@pytest.fixture
async def client(tmp_path: Path, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with opened(tmp_path / "home", folder) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/login", "/jobs/0199", "/acme/pack/greet", "/skillpacks/a%2Fb/deployments"),
        *("/docs", "/v1x", "/healthy"),
    ],
)
async def test_a_browser_gets_the_dashboard_wherever_it_goes(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.get(path, headers=HTML)
    assert (answer.status_code, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "access-control-allow-origin" not in answer.headers
    assert (await client.head(path, headers=HTML)).status_code == 200


async def test_the_api_answers_a_browser_too(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/health", headers=HTML)).json()["ok"] is True
    assert problem(await client.get("/v1/jobs", headers=HTML)) == (401, "invalid_api_key")
    assert problem(await client.get("/v1/nothing", headers=HTML)) == (404, "not_found")
    assert problem(await client.get("/session", headers=HTML)) == (401, "not_signed_in")
    assert problem(await client.get("/metrics", headers=HTML)) == (404, "not_found")


async def test_who_does_not_ask_for_html_gets_the_api(client: httpx2.AsyncClient) -> None:
    for accept in ("*/*", "application/json"):
        headers = {"Accept": accept}
        assert (await client.get("/", headers=headers)).json()["service"] == "puras"
        assert problem(await client.get("/login", headers=headers)) == (404, "not_found")
    assert problem(await client.post("/login", headers=HTML)) == (404, "not_found")


async def test_assets_are_kept_for_ever_and_compressed_where_a_browser_takes_it(
    client: httpx2.AsyncClient,
) -> None:
    path = "/assets/index-1a2b.js"
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == SCRIPT
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    packed = await client.get(path, headers={"Accept-Encoding": "br;q=1, gzip;q=0.5"})
    assert packed.content == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    assert "Accept-Encoding" in packed.headers["vary"]
    assert packed.headers["etag"] != plain.headers["etag"]


async def test_what_a_browser_has_is_not_sent_again(client: httpx2.AsyncClient) -> None:
    for path in ("/", "/favicon.svg", "/assets/index-1a2b.js"):
        etag = (await client.get(path, headers=HTML)).headers["etag"]
        for known in (etag, f'"other", W/{etag}', "*"):
            again = await client.get(path, headers=HTML | {"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), path
            assert again.headers["etag"] == etag
        assert (await client.get(path, headers=HTML | {"If-None-Match": '"x"'})).status_code == 200


async def test_a_dashboard_that_is_built_anew_is_served_at_once(
    client: httpx2.AsyncClient, folder: Path
) -> None:
    before = await client.get("/", headers=HTML)
    (folder / "index.html").write_bytes(INDEX + b"!")
    after = await client.get("/", headers=HTML)
    assert after.content == INDEX + b"!"
    assert after.headers["etag"] != before.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        *("/assets/", "/assets/gone.js", "/assets/secret.env", "/assets/index-1a2b.js.gz"),
        *("/assets/../../outside.js", "/assets/..%2f..%2foutside.js", "/assets/%2e%2e/index.html"),
        *("/assets/..%5c..%5coutside.js", "/assets/index-1a2b.js%00.js", "/assets//index-1a2b.js"),
    ],
)
async def test_nothing_else_of_the_disk_is_served(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=HTML)
    assert b"outside" not in answer.content
    assert b"TOKEN" not in answer.content
    if "assets" in str(answer.url):
        assert problem(answer) == (404, "not_found")


async def test_a_page_may_run_nothing_inline_and_load_nothing_from_elsewhere(
    client: httpx2.AsyncClient,
) -> None:
    for path in ("/", "/assets/index-1a2b.js", "/favicon.svg"):
        headers = (await client.get(path, headers=HTML)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        own = {"script-src", "style-src", "connect-src", "font-src", "form-action", "manifest-src"}
        assert {policy.pop(name) for name in own} == {"'self'"}
        none = {"default-src", "base-uri", "frame-ancestors"}
        assert {policy.pop(name) for name in none} == {"'none'"}
        assert policy == {
            "img-src": "'self' data: blob: https: http://127.0.0.1:8787",
            "media-src": "'self' blob: https: http://127.0.0.1:8787",
        }
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"


async def test_pictures_come_from_the_bucket_too(tmp_path: Path, folder: Path) -> None:
    urls = ("https://puras.example/v1/files/", "http://minio.local:9000/bucket/prefix/")
    async with opened(tmp_path / "home", folder, file_urls=urls) as client:
        policy = (await client.get("/", headers=HTML)).headers["content-security-policy"]
    assert "img-src 'self' data: blob: https: http://minio.local:9000;" in policy


async def test_without_built_files_a_page_says_how_to_build_them(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", tmp_path / "nothing") as client:
        answer = await client.get("/", headers=HTML)
        assert answer.status_code == 200
        assert "make dashboard" in answer.text
        assert "content-security-policy" in answer.headers
        assert problem(await client.get("/assets/index-1a2b.js")) == (404, "not_found")


async def test_the_whole_server_has_pages(tmp_path: Path) -> None:
    async with open_platform(tmp_path) as platform:
        app = create_app(platform)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://puras.test") as client:
            answer = await client.get("/", headers=HTML)
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
        await app.close()


def test_every_path_of_the_api_is_reserved_and_no_page() -> None:
    paths = {endpoint.path for group in ROUTES for endpoint in group.endpoints}
    first_segments = {path.split("/")[1] for path in paths} - {""}
    assert first_segments <= NOT_PAGES <= RESERVED_SLUGS


def test_an_encoding_counts_unless_it_is_refused() -> None:
    assert accepted("gzip, br;q=0.5, zstd;q=0") == {"gzip", "br"}
    assert accepted("GZIP;q=0.000") == set()
    assert "gzip" not in accepted("")

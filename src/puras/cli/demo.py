"""`puras demo`: the whole way once, on a server that is gone afterwards.

Start, deploy three bundles, run a function on a photograph and an agent on a product's page, watch
both, and fetch the files that they made.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

import puras
from puras.cli import live, output
from puras.cli.command import Command
from puras.cli.connection import connect_to
from puras.cli.deploy import deploy_folder
from puras.cli.failures import CommandFailed, raise_unless_succeeded
from puras.cli.local import local_server
from puras.cli.watching import watch

if TYPE_CHECKING:
    from puras.cli.api import Api
    from puras.client._models import Job

BUNDLES: Final = ("hello-world", "image-tools", "ugc-ads")
_PHOTO: Final = "image-tools/photo.jpg"
_PAGE: Final = "ugc-ads/product.html"
_DRAFTS: Final = {
    f"PURAS_{kind}_MODEL": "local/draft" for kind in ("TEXT", "IMAGE", "VIDEO", "AUDIO")
}
"""What makes the demo cost nothing, whichever keys there are."""
_TIMEOUT: Final = 300.0


@click.command(cls=Command)
def demo() -> None:
    """See everything work in a minute: serve, deploy, run, watch, fetch, clean up.

    A server starts on a free port with data of its own, and the example bundles are deployed. Then
    `image-tools/thumbnail` runs on a photograph, and an agent, `ugc-ads/ugc-ad`, makes the draft of
    a video. No key is needed, and nothing is left behind.

    \b
    Example:
      puras demo
    """
    began = time.monotonic()
    with _examples() as examples:
        _say("Starting a server on a free port, with data of its own …")
        with local_server(None, settings=_DRAFTS) as login, connect_to(login) as api:
            _say(f"It listens on {login.api_base}")
            for name in BUNDLES:
                _deploy(api, examples / name)
            _show(_make_thumbnail(api, examples / _PHOTO), "image/jpeg")
            _show(_make_ad(api, examples / _PAGE), "video/mp4")
    _say(f"Done in {time.monotonic() - began:.0f} s; the server and its data are gone.")
    _say_what_next()


def _deploy(api: Api, folder: Path) -> None:
    deployment, pack = deploy_folder(api, folder)
    skills = ", ".join(skill["name"] for skill in deployment["manifest"]["skills"])
    _say(f"Deployed {pack['slug']} version {deployment['version']}: {skills}")


def _make_thumbnail(api: Api, photo: Path) -> Job:
    uploaded = api.upload(photo)
    _say(f"Uploaded {photo.name} ({output.size(photo.stat().st_size)}); running on it:\n")
    inputs = {"image": uploaded["drive_path"], "width": 320}
    return _run(api, "image-tools/thumbnail", inputs)


def _make_ad(api: Api, page: Path) -> Job:
    """Run the agent on a page that this server itself has, so that no network is needed."""
    signed = api.sign(api.upload(page)["drive_path"])
    _say(
        "\nNow an agent: from a product's page to a video of 15 seconds, with drafts for models:\n"
    )
    return _run(api, "ugc-ads/ugc-ad", {"product": signed["signed_url"], "duration": 15})


def _run(api: Api, skill: str, inputs: dict[str, Any]) -> Job:
    submitted = api.submit(skill, inputs)
    job = watch(
        api,
        submitted["id"],
        title=skill,
        stream=sys.stderr,
        json=live.Silent,
        timeout=_TIMEOUT,
        goes_on=False,
    )
    raise_unless_succeeded(job)
    return job


def _show(job: Job, mime: str) -> None:
    _say("\nThe result, with signed URLs that anyone may open until they expire:")
    output.document(job["result"])
    made = next(file for file in job["outputs"] if file["mime"] == mime)
    content = _fetch(made["url"], mime=mime)
    if len(content) != made["size_bytes"]:
        raise CommandFailed(f"{made['url']} gave {len(content)} bytes", code="demo_failed")
    _say(f"Fetched {made['url']}\n  {mime}, {output.size(len(content))}, no key needed.")


def _fetch(url: str, *, mime: str) -> bytes:
    """Open a URL as a stranger would: without a key."""
    import httpx2

    answer = httpx2.get(url, timeout=30)
    found = answer.headers.get("content-type", "").partition(";")[0]
    if (answer.status_code, found) != (200, mime):
        raise CommandFailed(f"{url} answers {answer.status_code}, {found}", code="demo_failed")
    return answer.content


def _say_what_next() -> None:
    _say(
        "\nNext, with a server that stays:\n"
        "  puras serve                              in one terminal\n"
        "  puras init my-skills                     in another: a bundle with one skill\n"
        "  puras deploy my-skills\n"
        "  puras run my-skills/hello -i name=Ada"
    )


@contextmanager
def _examples() -> Iterator[Path]:
    """Give a copy of the example bundles, from the installed package or the source tree."""
    package = Path(puras.__file__).parent
    found = next(
        (
            folder
            for folder in (package / "examples", package.parents[1] / "examples")
            if (folder / _PHOTO).is_file()
        ),
        None,
    )
    if found is None:
        raise CommandFailed("the example bundles are not installed", code="no_examples")
    with tempfile.TemporaryDirectory(prefix="puras-demo-") as scratch:
        for name in BUNDLES:
            shutil.copytree(found / name, Path(scratch) / name)
        yield Path(scratch)


def _say(text: str) -> None:
    output.note(text)
    sys.stderr.flush()

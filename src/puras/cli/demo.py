"""`puras demo`: the whole way once, on a server that is gone afterwards.

Start, deploy three bundles, run a function on a photograph and an agent on a product's page, watch
both, and fetch the files that they made. Then, for a person, stay until the finished run was looked
at in the dashboard.
"""

from __future__ import annotations

import os
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
from puras.cli.local import LocalServer, local_server
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
_TO_LOOK: Final = (
    "To open the finished run in a browser, let the server stay for a while:\n  puras demo --keep"
)
_UNBUILT: Final = (
    "The demo can end with the finished run in the dashboard, which is not built here. With Node,\n"
    "in the source folder:\n"
    "  make dashboard"
)


@click.command(cls=Command)
@click.option(
    "--keep/--no-keep",
    default=None,
    help="Serve until Ctrl-C, with a link that opens the finished run in the dashboard. "
    "Default: on a terminal, unless CI is set.",
)
def demo(keep: bool | None) -> None:
    """See everything work in a minute: serve, deploy, run, watch, fetch, look at it, clean up.

    A server starts on a free port with data of its own, and the example bundles are deployed. Then
    `image-tools/thumbnail` runs on a photograph, and an agent, `ugc-ads/ugc-ad`, makes the draft of
    a video. On a terminal it ends with a link that opens this run in the dashboard, and serves
    until Ctrl-C. No key is needed, and nothing is left behind.

    \b
    Examples:
      puras demo
      puras demo --no-keep
    """
    began = time.monotonic()
    keeps = _is_watched() and _has_dashboard() if keep is None else keep
    with _examples() as examples:
        _say("Starting a server on a free port, with data of its own …")
        with local_server(None, settings=_DRAFTS) as server, connect_to(server.login) as api:
            _say(f"It listens on {server.login.api_base}")
            for name in BUNDLES:
                _deploy(api, examples / name)
            _show(_make_thumbnail(api, examples / _PHOTO), "image/jpeg")
            ad = _make_ad(api, examples / _PAGE)
            _show(ad, "video/mp4")
            _say(f"Done in {time.monotonic() - began:.0f} s.")
            if keeps:
                _keep(server, ad)
    _say("The server and its data are gone.")
    _say_what_next(was_kept=keeps)


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


def _keep(server: LocalServer, job: Job) -> None:
    """Lead to the job's page, and serve until Ctrl-C."""
    if _has_dashboard():
        link = server.sign_in_link(f"/jobs/{job['id']}")
        _say(
            "\nThis run in your browser, signed in; the link works once, within 15 minutes:\n\n"
            f"  {link}\n"
        )
    else:
        link = None
        _say(f"\n{_UNBUILT}")
    if output.is_json():
        output.json_line({"url": server.login.api_base, "job": job["id"], "link": link})
    _say("The server goes on until Ctrl-C; then it and its data are gone.")
    server.wait()
    _say("")


def _is_watched() -> bool:
    """Tell whether a person sees all of this; some CI has a terminal too, and says CI."""
    has_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    return has_terminal and not os.environ.get("CI") and not output.is_json()


def _has_dashboard() -> bool:
    from puras.server.pages.built import BuiltFiles

    return BuiltFiles().find("index.html") is not None


def _fetch(url: str, *, mime: str) -> bytes:
    """Open a URL as a stranger would: without a key."""
    import httpx2

    answer = httpx2.get(url, timeout=30)
    found = answer.headers.get("content-type", "").partition(";")[0]
    if (answer.status_code, found) != (200, mime):
        raise CommandFailed(f"{url} answers {answer.status_code}, {found}", code="demo_failed")
    return answer.content


def _say_what_next(*, was_kept: bool) -> None:
    if not was_kept:
        _say(f"\n{_TO_LOOK if _has_dashboard() else _UNBUILT}")
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

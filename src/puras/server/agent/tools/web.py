"""The tools `web_fetch` and `download_url`. Every URL is followed by the guarded fetcher alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from puras.server.agent.hands import Hands
from puras.server.agent.page_text import decoded, page_text
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.tools.bash import FILES
from puras.server.agent.tools.checked import checked_tool, takes
from puras.server.agent.tools.files import can_be_seen, seen
from puras.server.drive.endings import ending_of
from puras.server.drive.paths import job_folder, safe_filename
from puras.server.fetch import Fetched
from puras.server.refusals import Refused
from puras.server.worker.run import Run
from puras.server.worker.run_files import chunks_of
from puras.wire import MAX_FETCH_BYTES

MAX_PAGE_BYTES = 10 * 1024 * 1024
MAX_SEEN_BYTES = 20 * 1024 * 1024
MAX_CHARACTERS = 100_000
_PUT_SECONDS = 60.0
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_TEXTS = frozenset(
    {"application/json", "application/xml", "application/javascript", "application/yaml"}
)

_FETCH = """\
Read what a public URL leads to: a page as text with its links, JSON and other texts as they are \
(above 100,000 characters the rest is cut), an image or a PDF as something that you see. Nothing \
is run or clicked in a page. For other files, and to keep one, use `download_url`."""
_DOWNLOAD = """\
Download a file of up to 100 MiB into the drive, and, where `path` is given, into the working \
directory too. `url` is a public URL, or the drive path of a file that is there already: then it \
is only put into the working directory, so that commands can work with it."""

_URL = {"type": "string", "minLength": 1}
_FETCH_SCHEMA = takes({"url": _URL})
_DOWNLOAD_SCHEMA = takes({"url": _URL}, {"path": {"type": "string", "minLength": 1}})


def web_tools(run: Run, hands: Hands) -> list[Tool]:
    web = _Web(run, hands)
    return [
        checked_tool("web_fetch", _FETCH, _FETCH_SCHEMA, web.fetch),
        checked_tool("download_url", _DOWNLOAD, _DOWNLOAD_SCHEMA, web.download, mutates=FILES),
    ]


@dataclass(frozen=True, slots=True)
class _Web:
    run: Run
    hands: Hands

    async def fetch(self, use: ToolUse) -> Reply:
        url, target = str(use.input["url"]), self.hands.new_file()
        try:
            fetched = await self.run.drive.fetcher.fetch(url, target, limit=MAX_SEEN_BYTES)
            return await self._read(url, target, fetched)
        except Refused as refusal:
            return Reply(refusal.detail, ok=False)
        finally:
            target.unlink(missing_ok=True)

    async def download(self, use: ToolUse) -> Reply:
        url, path = str(use.input["url"]), use.input.get("path")
        try:
            if not url.lower().startswith(("http://", "https://")):
                return await self._from_drive(url, path or Path(url).name)
            return await self._from_web(url, path)
        except Refused as refusal:
            return Reply(refusal.detail, ok=False)

    async def _read(self, url: str, file: Path, fetched: Fetched) -> Reply:
        if can_be_seen(fetched.mime):
            part = await seen(self.run, file, fetched.mime)
            return Reply(f"{url} ({fetched.mime}, {fetched.size:,} bytes)", files=[part])
        if fetched.size > MAX_PAGE_BYTES:
            return Reply(f"{url} is too large to be read: use `download_url`", ok=False)
        data = file.read_bytes()
        if fetched.mime in _PAGES:
            return Reply(_cut(page_text(data, url=url)) or "[the page has no text]")
        if not _is_text(fetched.mime, data):
            return Reply(f"{url} is {fetched.mime}, no text: use `download_url`", ok=False)
        return Reply(_cut(decoded(data)) or "[empty]")

    async def _from_web(self, url: str, path: str | None) -> Reply:
        target = self.hands.new_file()
        try:
            fetched = await self.run.drive.fetcher.fetch(url, target, limit=MAX_FETCH_BYTES)
            kept = await self._keep(target, _name_of(url, fetched.mime), fetched.mime)
            told = {"drive_path": kept, "mime": fetched.mime, "size_bytes": fetched.size}
            return await self._told(told, target, path)
        finally:
            target.unlink(missing_ok=True)

    async def _from_drive(self, drive_path: str, path: str) -> Reply:
        readable = self.run.drive.readable({"path": await self.run.drive.located(drive_path)})
        opened = await self.run.drive.drive.open(self.run.row["workspace_id"], readable)
        file = opened.file
        told = {"drive_path": file.path, "mime": file.mime, "size_bytes": file.size_bytes}
        return await self._told(told, opened.local, path)

    async def _keep(self, file: Path, name: str, mime: str) -> str:
        digest = hashlib.sha256()
        async for chunk in chunks_of(file.parent, file.name):
            digest.update(chunk)
        folder = f"{job_folder(self.run.row['id'])}downloads"
        chunks = chunks_of(file.parent, file.name)
        drive = self.run.drive
        return await drive.keep(f"{folder}/{digest.hexdigest()[:12]}-{name}", chunks, mime=mime)

    async def _told(self, told: dict[str, object], file: Path, path: str | None) -> Reply:
        """Put a file into the working directory where that is wanted, and tell where it is."""
        kept = str(told["drive_path"])
        if path is not None:
            order = {"path": path, "file": str(file)}
            answer = await self.hands.call("put", order, timeout=_PUT_SECONDS, changes=True)
            if not answer.ok:
                return Reply(f"{answer.text} (the drive has it as {kept})", ok=False)
            told = {**told, "path": path}
        return Reply(json.dumps(told, ensure_ascii=False), drive_path=kept)


def _name_of(url: str, mime: str) -> str:
    try:
        last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    except ValueError:
        last = ""
    name = safe_filename(last or "download")
    return name if "." in name else name + (ending_of(mime) or "")


def _is_text(mime: str, data: bytes) -> bool:
    named = mime.startswith("text/") or mime in _TEXTS or mime.endswith(("+json", "+xml"))
    return named or (mime == "application/octet-stream" and b"\0" not in data)


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]}\n[… cut: it has {len(text):,} characters]"

"""Media calls of a run: chosen, paid, made once over all attempts, and kept in the drive.

The call is recorded with its hold before the provider hears of it, and with its answer when the
file is in the drive. A later attempt gets that answer; one that was cut off in the middle goes on
where the provider can be asked for it again, and is made anew otherwise.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puras.server.billing.holds import PaidFor
from puras.server.clock import new_id
from puras.server.drive.paths import job_folder
from puras.server.jobs.calls import CallKey
from puras.server.media.adapt import Adapted, adapt
from puras.server.media.prices import cost_micros
from puras.server.media.probe import Unreadable, recording_facts
from puras.server.media.providers.port import Call, Made, Order, Reference
from puras.server.media.studio import Studio, wanted_by
from puras.server.media.verbs import KINDS, read_request, without_nulls
from puras.server.refusals import Refused
from puras.server.worker.given_files import load_file, shown
from puras.server.worker.host import Verb
from puras.server.worker.recorder import Doing, Done
from puras.server.worker.run import Run
from puras.server.worker.run_files import chunks_of
from puras.wire import MICROS_PER_USD

_PREVIEW_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class MediaCalls:
    """Makes the media calls of all runs. `scratch` is a folder for files on their way."""

    studio: Studio
    scratch: Path

    def verbs(self, run: Run) -> Mapping[str, Verb]:
        """Return the calls of `puras.media`."""
        return {f"media.{verb}": self._verb(run, verb) for verb in KINDS}

    async def make(
        self, run: Run, verb: str, arguments: Mapping[str, Any], *, key: CallKey, told: bool
    ) -> dict[str, Any]:
        """Make a call and return its answer. `told`: with the events of a tool.

        Raises:
            Refused: `invalid_request`, `media_failed`, `cost_limit`, or what a file is refused for.
        """
        request = read_request(verb, arguments)
        known = await run.recorder.recall(key)
        if known is not None and known[0] == "done":
            return dict(known[1])
        family = self.studio.choose(request, wanted_by(run.skill["extra"]))
        adapted = adapt(family, request)
        async with self._folder() as folder:
            making = _Making(self.studio, run, verb, adapted, key, folder, told)
            return await making.perform(dict(shown(without_nulls(arguments))))

    def _verb(self, run: Run, verb: str) -> Verb:
        async def answer(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
            asked = dict(arguments)
            occurrence, above = asked.pop("occurrence", None), asked.pop("span", None)
            key = CallKey(f"media.{verb}", _digest(asked), _whole(occurrence))
            span = run.trace.begin("tool", verb, parent=run.trace.below(above))
            try:
                made = await self.make(run, verb, asked, key=key, told=True)
            except Refused as refusal:
                await run.trace.end(span, ok=False, error=refusal.code)
                raise
            facts = {name: made[name] for name in ("model", "drive_path", "billed_micros")}
            await run.trace.end(span, ok=True, **facts)
            return made

        return answer

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        folder = self.scratch / f"media-{new_id()}"
        folder.mkdir(mode=0o700, parents=True)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


@dataclass(slots=True)
class _Making:
    """One call at work. `loaded` are its files, once they were needed."""

    studio: Studio
    run: Run
    verb: str
    adapted: Adapted
    key: CallKey
    folder: Path
    told: bool
    loaded: list[Reference] | None = None

    async def perform(self, asked: dict[str, Any]) -> dict[str, Any]:
        host, call_id = self.run.host, f"media-{self._short_id}"
        begun = {"tool_call_id": call_id, "name": self.verb, "input": asked}
        price = cost_micros(self.adapted, heard_seconds=await self._heard_seconds())
        try:
            answer: dict[str, Any] = await self.run.recorder.perform(
                self.key,
                lambda doing: self._do(doing, price=price, call_id=call_id),
                bound_micros=price,
                paid_for=PaidFor("media", self.adapted.family.slug),
                events=[host.event("tool_call", begun)] if self.told else [],
            )
        except Refused as refusal:
            if self.told and refusal.code not in {"cost_limit", "job_not_found"}:
                failed = {"tool_call_id": call_id, "name": self.verb, "ok": False}
                host.emit("tool_result", {**failed, "preview": refusal.detail})
            raise
        return answer

    async def _do(self, doing: Doing, *, price: int, call_id: str) -> Done:
        call = Call(doing.idempotency_key, doing.note, doing.remember)
        order = Order(self.adapted, self.folder, call, self._references)
        made = await self.studio.make(order)
        answer = self._answer(made, await self._kept(made), price=price)
        if not self.told:
            return Done(answer, price)
        result = {
            "tool_call_id": call_id,
            "name": self.verb,
            "ok": True,
            "preview": (answer.get("text") or answer["drive_path"])[:_PREVIEW_CHARACTERS],
            "drive_path": answer["drive_path"],
            "cost_micros": price,
        }
        return Done(answer, price, events=[self.run.host.event("tool_result", result)])

    async def _references(self) -> list[Reference]:
        if self.loaded is None:
            files = self.adapted.request.files
            self.loaded = [await load_file(file, self.run.drive, self.folder) for file in files]
        return self.loaded

    async def _heard_seconds(self) -> float | None:
        """Return how long what is to be transcribed lasts; its price depends on it."""
        if self.adapted.request.kind != "transcript":
            return None
        (heard,) = await self._references()
        try:
            facts = await asyncio.to_thread(recording_facts, heard.path)
        except Unreadable as error:
            raise Refused(
                "invalid_request", f"`{heard.name}` can't be transcribed: {error}"
            ) from None
        return float(facts["duration_seconds"])

    async def _kept(self, made: Made) -> str | None:
        """Put what was made into the run's own folder of the drive; the same place every time."""
        if made.file is None:
            return None
        name = f"{self.adapted.request.kind}-{self._short_id}{made.file.suffix}"
        path = f"{job_folder(self.run.row['id'])}media/{name}"
        return await self.run.drive.keep(path, chunks_of(self.folder, made.file.name))

    def _answer(self, made: Made, path: str | None, *, price: int) -> dict[str, Any]:
        adapted = self.adapted
        changes = {"adapted": dict(adapted.changes)} if adapted.changes else {}
        answer: dict[str, Any] = {
            "model": adapted.family.slug,
            "kind": adapted.request.kind,
            "drive_path": path,
            "request_id": made.request_id,
            "billed_micros": price,
            "billed_usd": price / MICROS_PER_USD,
            "meta": {**made.meta, **changes},
        }
        if made.transcript is not None:
            heard = made.transcript
            answer |= {
                "text": heard.text,
                "words": heard.words,
                "language_code": heard.language_code,
            }
        return answer

    @property
    def _short_id(self) -> str:
        return self.run.recorder.idempotency_key(self.key)[-12:]


def _digest(arguments: Mapping[str, Any]) -> str:
    canonical = json.dumps(without_nulls(arguments), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()


def _whole(occurrence: Any) -> int:
    return occurrence if type(occurrence) is int and 0 < occurrence < 2**31 else 0

"""One attempt at work: what it is made of, and what may perform it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from puras.bundle import layout
from puras.server.db.database import Row
from puras.server.deployments.store import Deployment
from puras.server.jobs.inline import INLINE, owner_of
from puras.server.jobs.states import Ending
from puras.server.secrets.store import Secrets
from puras.server.worker.children import Parent
from puras.server.worker.host import JobHost, Verb
from puras.server.worker.loop import Active
from puras.server.worker.recorder import Recorder
from puras.server.worker.run_drive import RunDrive
from puras.server.worker.spec import Lost, Outcome
from puras.server.worker.time_limit import StoodStill, never
from puras.server.worker.trace import Trace
from puras.wire import ManifestSkill


@dataclass(frozen=True, slots=True)
class Run:
    """What one attempt works with.

    verbs    the calls that in-skill helpers may make: the host answers them
    parent   what this run is to the children that it starts
    stood_still  the seconds that its time limit does not count
    """

    active: Active
    deployment: Deployment
    skill: ManifestSkill
    secrets: Secrets
    host: JobHost
    drive: RunDrive
    trace: Trace
    recorder: Recorder
    parent: Parent
    verbs: Mapping[str, Verb]
    stood_still: StoodStill = never

    @property
    def row(self) -> Row:
        return self.active.row


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a run's code lies: the unpacked bundle, and the interpreter of its environment."""

    bundle: Path
    python: Path

    def skill_folder(self, skill: ManifestSkill) -> Path:
        return self.bundle / folder_of(skill)


def folder_of(skill: ManifestSkill) -> str:
    """Return the folder of a skill, relative to its bundle. A reference has that of its skill, a
    one-off prompt the whole bundle."""
    return "." if skill["name"] == INLINE else layout.folder_of(owner_of(skill["name"]))


class Grading(Protocol):
    """Judges results before their runs end."""

    def applies(self, run: Run) -> bool:
        """Tell whether a run's result is to be judged."""

    async def grade(self, run: Run, ground: Ground, ending: Ending) -> Ending | Lost:
        """Return the ending with its score. Raises Refused (`cost_limit`)."""


class Performer(Protocol):
    """Performs the runs of one kind of skill, from a prepared ground to an outcome."""

    async def perform(self, run: Run, ground: Ground) -> Outcome:
        """Run to the end. Cancelling this stops all that it started before it returns."""

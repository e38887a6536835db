"""The evals of deployed skills, read from their bundles and kept for the runs that follow."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from puras.bundle.evals import Evals, read_evals
from puras.bundle.faults import Findings
from puras.wire import ManifestSkill

_KEPT = 64


class Datasets:
    """Gives the evals of a skill. A bundle never changes, so what was read once stays true."""

    def __init__(self) -> None:
        self._read: OrderedDict[tuple[str, str], Evals] = OrderedDict()

    async def of(self, skill: ManifestSkill, *, deployment_id: str, folder: Path) -> Evals:
        """Return what a skill's `evals` hold; `folder` is the skill's own in the bundle."""
        at = (deployment_id, skill["name"])
        if at not in self._read:
            self._read[at] = await asyncio.to_thread(evals_of, skill, folder)
        self._read.move_to_end(at)
        while len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return self._read[at]


def evals_of(skill: ManifestSkill, folder: Path) -> Evals:
    """Read the evals of a skill whose bundle was checked when it was deployed."""
    fields = skill["extra"].get("evals")
    if fields is None:
        return Evals()
    return read_evals(fields, folder=folder, input_schema=None, findings=Findings("skill.yaml"))

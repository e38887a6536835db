"""A job's inputs: defaults filled in, every violation named at once, files within reach.

A publishable key may name only what it uploaded itself, and files of its own jobs; whatever else
lies in the drive is refused in the same words whether it exists or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from puras.bundle import schema as schemas
from puras.bundle.files import DeclaredFile
from puras.server.caller import Caller
from puras.server.db.database import Row, Transaction
from puras.server.drive.paths import owning_job, relative, uploads_folder
from puras.server.drive.reach import Reach
from puras.server.jobs import store
from puras.server.refusals import Refused
from puras.wire import Fault, ManifestSkill

if TYPE_CHECKING:
    from puras.server.db.database import Database

_ELSEWHERE = ("data:", "http://", "https://")


def fill(skill: ManifestSkill, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with the skill's defaults.

    Raises:
        Refused: `invalid_inputs`, with every violation and its path.
    """
    filled = schemas.fill_defaults(skill["input_schema"], inputs)
    faults = schemas.compile_schema(skill["input_schema"]).violations(filled)
    if faults:
        raise invalid(skill["name"], faults)
    return filled


def invalid(skill: str, faults: list[Fault]) -> Refused:
    """Make the refusal of inputs that do not fit."""
    first = f"{faults[0]['path']}: {faults[0]['message']}"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Refused(
        "invalid_inputs", f"the inputs do not fit `{skill}`: {first}{more}", errors=faults
    )


def drive_path_of(value: Any, *, workspace_id: str) -> str | None:
    """Return the drive path that a declared file's value names; None where it is no path.

    Raises:
        Refused: `bad_path`.
    """
    if isinstance(value, Mapping):
        value = value.get("drive_path")
    if not isinstance(value, str) or value.lower().startswith(_ELSEWHERE):
        return None
    return relative(value, workspace_id=workspace_id)


def named_paths(
    skill: ManifestSkill, inputs: Mapping[str, Any], *, workspace_id: str
) -> frozenset[str]:
    """Return the drive paths that a job's inputs name where the skill declares a file."""
    files = schemas.declared_files(skill["input_schema"], inputs)
    paths = (drive_path_of(file.value, workspace_id=workspace_id) for file in files)
    return frozenset(path for path in paths if path is not None)


def reach_of(row: Row, skill: ManifestSkill) -> Reach:
    """Return how far a job's run reaches into the drive of its workspace."""
    return Reach(
        wide=bool(row["wide_reach"]),
        job_id=row["id"],
        key_id=row["key_id"],
        named=named_paths(skill, json.loads(row["inputs"]), workspace_id=row["workspace_id"]),
    )


async def check_files(
    db: Database, caller: Caller, skill: ManifestSkill, inputs: Mapping[str, Any]
) -> None:
    """Let only files pass that the key may name.

    Raises:
        Refused: `invalid_inputs`, with every file that is out of reach or no path at all.
    """
    files = schemas.declared_files(skill["input_schema"], inputs)
    faults: list[Fault] = []
    paths: list[tuple[DeclaredFile, str]] = []
    for file in files:
        try:
            path = drive_path_of(file.value, workspace_id=caller.workspace_id)
        except Refused as refusal:
            faults.append({"path": file.path, "message": refusal.detail})
        else:
            paths += [(file, path)] if path is not None else []
    if caller.is_publishable and paths:
        beyond = await db.read(lambda tx: _beyond(tx, caller, [path for _, path in paths]))
        faults += list(_out_of_reach(paths, beyond))
    if faults:
        raise invalid(skill["name"], faults)


def _out_of_reach(paths: list[tuple[DeclaredFile, str]], beyond: set[str]) -> Iterator[Fault]:
    for file, path in paths:
        if path in beyond:
            message = f"this key can't reach `{path}`: upload the file with this key first"
            yield {"path": file.path, "message": message}


async def _beyond(tx: Transaction, caller: Caller, paths: list[str]) -> set[str]:
    return {path for path in paths if not await _reaches(tx, caller, path)}


async def _reaches(tx: Transaction, caller: Caller, path: str) -> bool:
    if path.startswith(uploads_folder(caller.key_id)):
        return True
    job_id = owning_job(path)
    return job_id is not None and (
        await store.visible(tx, job_id=job_id, caller=caller) is not None
    )

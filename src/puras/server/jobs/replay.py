"""Running a job once more: a new job with the same inputs, past the same checks as any submit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from puras.server.caller import Caller
from puras.server.db.database import Row
from puras.server.idempotency.store import Kept, Ticket
from puras.server.jobs.inline import INLINE
from puras.server.jobs.submit import submit
from puras.server.jobs.wanted import Wanted
from puras.server.refusals import Refused

if TYPE_CHECKING:
    from puras.server.platform import Platform

SOURCE = "replay"


async def replay(
    platform: Platform, caller: Caller, row: Row, *, version: int | None, ticket: Ticket | None
) -> tuple[str, Kept | None]:
    """Submit a job's skill and inputs again, on its own version if no other is given.

    Raises:
        Refused: as a submit; `version_not_found` where the job's version was deleted, and
            `skill_not_found` for a subskill, which only its parent can run.
    """
    if "/" in row["skill_name"]:
        raise Refused(
            "skill_not_found",
            f"`{row['skill_name']}` can be run by its parent skill only: replay the job "
            f"{row['root_job_id']} that it belongs to",
        )
    alone = row["prompt"] is not None and row["skillpack"] == INLINE
    wanted = Wanted(
        skill=row["skill_name"],
        skillpack="" if alone else row["skillpack_id"],
        version=None if alone else version or row["version"],
        inputs=json.loads(row["inputs"]),
        source=SOURCE,
        prompt=row["prompt"],
    )
    try:
        return await submit(platform, caller, wanted, ticket)
    except Refused as refused:
        if refused.code == "version_not_found" and version is None:
            raise Refused(
                "version_not_found",
                f"version {row['version']}, which this job ran on, was deleted: choose another "
                "one with `?version=`",
            ) from None
        raise

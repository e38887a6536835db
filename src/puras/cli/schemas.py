"""What a skill says of its inputs, asked for when the command line alone is ambiguous."""

from __future__ import annotations

from typing import TYPE_CHECKING

from puras.cli.inputs import Schema
from puras.errors import PurasAPIError
from puras.skill_path import SkillPath

if TYPE_CHECKING:
    from puras.cli.api import Api


def input_schema(api: Api, path: SkillPath, *, version: int | None) -> Schema:
    """Return a skill's `input_schema`; empty where this key may not see it, or there is none.

    Not knowing is no failure: the server checks the inputs in any case, and says more.
    """
    if path.skillpack is None:
        return {}
    try:
        deployments = api.list_deployments(path.skillpack)
    except PurasAPIError:
        return {}
    for deployment in deployments:
        if deployment["is_active"] if version is None else deployment["version"] == version:
            for skill in deployment["manifest"]["skills"]:
                if skill["name"] == path.skill:
                    return skill["input_schema"]
    return {}

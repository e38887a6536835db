"""Skills as tools: which ones a key sees, and what they are called."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.caller import Caller
from puras.server.keys.fences import AllowedSkill, Fences
from puras.server.keys.store import find_caller
from puras.server.mcp.tools import SkillTool, runnable
from puras.server.platform import Platform

from ..support import Minted, make_skillpack, make_workspace, mint, open_platform


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path) as opened:
        yield opened


async def tools_of(platform: Platform, key: Minted) -> list[SkillTool]:
    async def find(tx) -> list[SkillTool]:  # type: ignore[no-untyped-def]
        found = await find_caller(tx, key.text.split("_")[-1].split(".")[0])
        assert found is not None
        caller: Caller = found.caller
        return await runnable(tx, caller)

    return await platform.db.read(find)


async def names_of(platform: Platform, key: Minted) -> list[str]:
    return [tool.name for tool in await tools_of(platform, key)]


async def test_a_key_sees_its_workspaces_skills_but_no_subskills(platform: Platform) -> None:
    workspace = await make_workspace(platform)
    await make_skillpack(platform, workspace, "pack", skills=["one", "two", "two/below"])
    other = await make_workspace(platform, "other")
    await make_skillpack(platform, other, "theirs", skills=["hidden"])
    await make_skillpack(platform, other, "open", skills=["shown"], public=True)
    for kind in ("secret", "publishable"):
        key = await mint(platform, workspace, kind=kind)
        assert await names_of(platform, key) == ["pack__one", "pack__two"]


async def test_an_allowlist_may_name_public_skills_of_others(platform: Platform) -> None:
    workspace = await make_workspace(platform)
    own = await make_skillpack(platform, workspace, "pack", skills=["one", "two"])
    other = await make_workspace(platform, "other")
    theirs = await make_skillpack(platform, other, "open", skills=["shown"], public=True)
    allowed = (AllowedSkill(own, "two", "pack/two"), AllowedSkill(theirs, "shown", "x"))
    key = await mint(platform, workspace, fences=Fences(skills=allowed))
    assert sorted(await names_of(platform, key)) == ["other__open__shown", "pack__two"]


async def test_names_are_valid_and_unique_whatever_skills_are_called(platform: Platform) -> None:
    workspace = await make_workspace(platform)
    long = "x" * 64
    await make_skillpack(platform, workspace, "a", skills=["b__c", "d e", "d_e", "ü"])
    await make_skillpack(platform, workspace, "a__b", skills=["c", long])
    key = await mint(platform, workspace)
    names = await names_of(platform, key)
    assert len(set(names)) == len(names) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert await names_of(platform, key) == names


async def test_a_name_stays_the_same_whatever_else_is_deployed(platform: Platform) -> None:
    workspace = await make_workspace(platform)
    await make_skillpack(platform, workspace, "pack", skills=["ü"])
    key = await mint(platform, workspace)
    (before,) = await names_of(platform, key)
    await make_skillpack(platform, workspace, "another", skills=["ü"])
    assert before in await names_of(platform, key)

"""A skill's card: what it does, what it takes and gives, and how to call it.

Public skills show theirs to everybody; a workspace's own need a key of it that may run the skill.
A key that is not good counts as none, so that nobody learns of keys here.
"""

from __future__ import annotations

from puras import wire
from puras.server import auth
from puras.server.caller import Caller
from puras.server.cards.snippets import snippets
from puras.server.db.database import Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.store import Deployment
from puras.server.endpoint import Call, Reply, Routes
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.wire import ManifestSkill

routes = Routes("skills")


@routes.get(
    "/v1/skills/{workspace}/{skillpack}/{skill}",
    needs=None,
    returns=wire.SkillCard,
    codes=("skill_not_found",),
)
async def show_skill(call: Call) -> Reply:
    """Show what a skill takes and gives, with calls to copy; a public skill's needs no key."""
    caller = await _caller_or_none(call)
    path = "/".join(call.path[name] for name in ("workspace", "skillpack", "skill"))

    async def look_up(tx: Transaction) -> tuple[Skillpack, Deployment] | None:
        workspace_id = "" if caller is None else caller.workspace_id
        reference = path.rpartition("/")[0]
        pack = await skillpacks.find(tx, reference, workspace_id=workspace_id)
        deployment = None if pack is None else await deployments.active(tx, pack.id)
        return None if pack is None or deployment is None else (pack, deployment)

    found = await call.platform.db.read(look_up)
    pack, deployment = found or (None, None)
    name = call.path["skill"]
    skill = deployment.skill(name) if deployment and name in deployment.skill_names() else None
    if pack is None or deployment is None or skill is None or not _may_see(caller, pack, skill):
        raise Refused(
            "skill_not_found",
            f"there is no skill `{path}` that may be shown: check its path, or send a key of its "
            "workspace",
        )
    return Reply(_card(call, pack, deployment, skill=skill))


async def _caller_or_none(call: Call) -> Caller | None:
    if "authorization" not in call.request.headers:
        return None
    try:
        caller = await auth.authenticate(call.platform, call.request)
        auth.check_origin(caller, call.request)
    except Refused:
        return None
    return caller


def _may_see(caller: Caller | None, pack: Skillpack, skill: ManifestSkill) -> bool:
    if pack.public or caller is None:
        return pack.public
    return caller.skills is None or (pack.id, skill["name"]) in caller.skills


def _card(
    call: Call, pack: Skillpack, deployment: Deployment, *, skill: ManifestSkill
) -> wire.SkillCard:
    path = f"{pack.workspace}/{pack.slug}/{skill['name']}"
    return {
        "path": path,
        "workspace": pack.workspace,
        "skillpack": pack.slug,
        "skill": skill["name"],
        "title": skill["title"],
        "description": skill["description"],
        "type": skill["type"],
        "version": deployment.version,
        "public": pack.public,
        "concurrency": skill.get("concurrency"),
        "input_schema": skill["input_schema"],
        "output_schema": skill["output_schema"],
        "examples": skill["examples"],
        "snippets": snippets(path, skill, api_base=call.platform.settings.public_url),
    }

"""What a version is made of, to be looked at."""

from __future__ import annotations

from puras import wire
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.deployments import files, store
from puras.server.deployments.store import Deployment
from puras.server.endpoint import Call, Reply, Routes
from puras.server.parameters import whole_or_none
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks

routes = Routes("deployments")


@routes.get(
    "/v1/skillpacks/{ref}/deployments/{deployment_id}/files",
    returns=wire.BundleFiles,
    needs=Power.LIMITED,
    query={"base": "a version of the same skillpack, to be told what is different from there"},
    codes=("skillpack_not_found", "deployment_not_found", "version_not_found"),
)
async def list_deployment_files(call: Call) -> Reply:
    """List a version's files, with their sizes and hashes."""
    version = whole_or_none(call, "base")

    async def look_up(tx: Transaction) -> tuple[Deployment, Deployment | None]:
        found = await _deployment(tx, call)
        if version is None:
            return found, None
        base = await store.by_version(tx, found.skillpack_id, version)
        if base is None:
            raise Refused(
                "version_not_found",
                f"there is no version {version} to compare with: list the deployments",
            )
        return found, base

    found, base = await call.platform.db.read(look_up)
    bundles = call.platform.bundles
    here = await files.list_files(bundles, found)
    there = None if base is None else await files.list_files(bundles, base)
    listed: wire.BundleFiles = {
        "version": found.version,
        "base_version": None if base is None else base.version,
        "files": files.plain(here) if there is None else files.compared(here, there),
    }
    return Reply(listed)


@routes.get(
    "/v1/skillpacks/{ref}/deployments/{deployment_id}/files/{path:path}",
    returns=wire.BundleFileText,
    needs=Power.LIMITED,
    codes=("skillpack_not_found", "deployment_not_found", "file_not_found"),
)
async def show_deployment_file(call: Call) -> Reply:
    """Show the text of one of a version's files."""
    found = await call.platform.db.read(lambda tx: _deployment(tx, call))
    return Reply(await files.read_file(call.platform.bundles, found, call.path["path"]))


async def _deployment(tx: Transaction, call: Call) -> Deployment:
    pack = await skillpacks.find_own(tx, call.path["ref"], workspace_id=call.caller.workspace_id)
    return await store.of_skillpack(tx, pack.id, deployment_id=call.path["deployment_id"])

"""Getting a deployed bundle back: a signed URL of its archive, and the archive behind it."""

from __future__ import annotations

from starlette.responses import FileResponse, Response

from puras import wire
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.deployments import store
from puras.server.deployments.bundles import archive_name
from puras.server.deployments.store import Deployment
from puras.server.endpoint import Call, Reply, Routes
from puras.server.parameters import bad_parameter, integer, whole_or_none
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks

routes = Routes("deployments")

_LEAST_TTL = 30
_MOST_TTL = 30 * 86_400
_DEFAULT_TTL = 600


@routes.get(
    "/v1/skillpacks/{ref}/deployments/pull",
    returns=wire.Pulled,
    needs=Power.LIMITED,
    query={
        "version": "which version; the active one by default",
        "ttl": "how many seconds the URL is good: 30 to 2592000, 600 by default",
    },
    codes=("skillpack_not_found", "version_not_found", "no_active_deployment"),
)
async def pull_deployment(call: Call) -> Reply:
    """Make a URL under which anybody can fetch a version's bundle until it expires."""
    version = whole_or_none(call, "version")
    ttl = integer(call, "ttl", default=_DEFAULT_TTL, least=_LEAST_TTL, most=_MOST_TTL + 1)
    if ttl > _MOST_TTL:
        raise bad_parameter("ttl", f"must be {_LEAST_TTL} to {_MOST_TTL} seconds")

    async def look_up(tx: Transaction) -> Deployment:
        workspace_id = call.caller.workspace_id
        pack = await skillpacks.find_own(tx, call.path["ref"], workspace_id=workspace_id)
        return await _version(tx, pack, version)

    found = await call.platform.db.read(look_up)
    url = call.platform.signer.bundle_url(found.id, ttl=ttl)
    return Reply({"download_url": url, "version": found.version})


@routes.get(
    "/v1/bundles/{signed:path}",
    needs=None,
    media="application/zip",
    codes=("bad_signature", "deployment_not_found"),
)
async def download_bundle(call: Call) -> Response:
    """Fetch a bundle by its signed URL; no key is needed."""
    deployment_id = call.platform.signer.check_bundle(call.path["signed"])
    found = await call.platform.db.read(lambda tx: store.get(tx, deployment_id))
    archive = None
    if found is not None:
        archive = await call.platform.storage.local_path(archive_name(found.sha256))
    if found is None or archive is None:
        raise Refused("deployment_not_found", "this version was deleted: pull another one")
    return FileResponse(
        archive,
        media_type="application/zip",
        filename=f"bundle-v{found.version}.zip",
        headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"},
    )


async def _version(tx: Transaction, pack: skillpacks.Skillpack, version: int | None) -> Deployment:
    if version is None:
        found = await store.active(tx, pack.id)
        missing = Refused(
            "no_active_deployment",
            f"nothing is active in `{pack.slug}`: name a version, or activate one",
        )
    else:
        found = await store.by_version(tx, pack.id, version)
        missing = Refused(
            "version_not_found", f"`{pack.slug}` has no version {version}: list its deployments"
        )
    if found is None:
        raise missing
    return found

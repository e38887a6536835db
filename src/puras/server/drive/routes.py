"""A workspace's files: upload, list, read, sign, delete, and reading by a signed URL."""

from __future__ import annotations

from starlette.responses import Response

from puras import wire
from puras.server.caller import Caller, Power
from puras.server.clock import iso, new_id
from puras.server.drive.paths import clean, clean_prefix, safe_filename, uploads_folder
from puras.server.drive.serving import send_file
from puras.server.drive.store import DriveFile, Fence, Origin, PathTaken, no_file
from puras.server.endpoint import Call, Reply, Routes
from puras.server.home import incoming
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.at_work import at_work
from puras.server.idempotency.guard import replayed, take_ticket
from puras.server.idempotency.store import Ticket
from puras.server.parameters import integer, page_reply
from puras.server.refusals import Refused
from puras.server.storage.form import Form, read_form

routes = Routes("drive")

_TTL_SECONDS = range(30, 30 * 86_400 + 1)
_TTL_DEFAULT = 3600


@routes.post(
    "/v1/drive/upload",
    returns=wire.Uploaded,
    needs=Power.PUBLISHABLE,
    form={
        "file": "the file, at most 2 GiB (a file)",
        "path": "where to keep it; a publishable key's lies below `uploads/<key id>/`",
    },
    idempotent=True,
    codes=("too_large", "bad_path", "idempotency_in_progress"),
)
async def upload_file(call: Call) -> Reply:
    """Upload a file to the drive, to name it in a job's inputs.

    Without `path` it is kept under its own name below `uploads/<key id>/`.
    """
    platform = call.platform
    async with read_form(
        call.request,
        file_field="file",
        folder=incoming(platform.settings.home),
        limit=wire.MAX_UPLOAD_BYTES,
    ) as form:
        path = upload_path(call.caller, path=form.fields.get("path"), filename=form.filename)
        ticket = take_ticket(call, parts=form.parts)
        async with at_work(platform, ticket) as earlier:
            if earlier is not None:
                kept = await platform.drive.find(call.caller.workspace_id, earlier.resource_id)
                return replayed(_uploaded(kept), earlier)
            return Reply(_uploaded(await _keep(call, path, form=form, ticket=ticket)))


@routes.post(
    "/v1/drive/sign",
    body=wire.SignBody,
    returns=wire.Signed,
    needs=Power.LIMITED,
    codes=("bad_path", "file_not_found"),
)
async def sign_file(call: Call) -> Reply:
    """Make a URL under which anybody can read a file until it expires."""
    ttl = call.body.get("ttl", _TTL_DEFAULT)
    if ttl not in _TTL_SECONDS:
        rule = "must be 30 to 2592000 seconds"
        raise Refused(
            "invalid_request", f"`ttl` {rule}", errors=[{"path": "$.ttl", "message": rule}]
        )
    file = await call.platform.drive.find(call.caller.workspace_id, clean(call.body["path"]))
    url = await call.platform.signer.url(file, ttl=ttl)
    return Reply({"path": file.path, "signed_url": url, "expires_in": ttl})


@routes.get(
    "/v1/drive",
    returns=list[wire.DriveFile],
    needs=Power.LIMITED,
    query={
        "prefix": "only files whose path begins so",
        "limit": "how many at most: 50 by default, 200 at most",
        "after": "only paths that come after this one",
    },
    codes=("bad_path",),
)
async def list_files(call: Call) -> Reply:
    """List files by path."""
    limit = integer(call, "limit", default=50, least=1, most=wire.MAX_LIST_PAGE)
    found = await call.platform.drive.list(
        call.caller.workspace_id,
        prefix=clean_prefix(call.query.get("prefix", "")),
        after=call.query.get("after", ""),
        limit=limit + 1,
    )
    shown: list[wire.DriveFile] = [
        {
            "drive_path": file.path,
            "size_bytes": file.size_bytes,
            "mime": file.mime,
            "created_at": iso(file.created_at),
        }
        for file in found
    ]
    return page_reply(call, shown, limit=limit, cursor="after", name="drive_path")


@routes.get(
    "/v1/drive/{path:path}",
    needs=Power.LIMITED,
    media="*/*",
    codes=("bad_path", "file_not_found", "range_not_satisfiable"),
)
async def read_file(call: Call) -> Response:
    """Read a file, or a range of it."""
    path = clean(call.path["path"])
    file, stream = await call.platform.drive.stream(call.caller.workspace_id, path)
    return send_file(call.request, file, stream)


@routes.delete(
    "/v1/drive/{path:path}",
    status=204,
    needs=Power.LIMITED,
    codes=("bad_path", "file_not_found"),
)
async def delete_file(call: Call) -> Response:
    """Delete a file; URLs signed for it stop working."""
    path = clean(call.path["path"])
    if not await call.platform.drive.delete(call.caller.workspace_id, path):
        raise no_file(path)
    return Response(status_code=204)


@routes.get(
    "/v1/files/{signed:path}",
    needs=None,
    media="*/*",
    codes=("bad_signature", "file_not_found", "range_not_satisfiable"),
)
async def read_signed_file(call: Call) -> Response:
    """Read a file by its signed URL; no key is needed."""
    workspace_id, path = call.platform.signer.check(call.path["signed"])
    file, stream = await call.platform.drive.stream(workspace_id, path)
    return send_file(call.request, file, stream)


def upload_path(caller: Caller, *, path: str | None, filename: str) -> str:
    """Return where an upload belongs. Raises Refused (`bad_path`)."""
    own = uploads_folder(caller.key_id)
    if not path:
        return clean(own + safe_filename(filename))
    wanted = clean(path)
    if caller.is_publishable and not wanted.startswith(own):
        return clean(own + wanted)
    return wanted


async def _keep(call: Call, path: str, *, form: Form, ticket: Ticket | None) -> DriveFile:
    """Keep an upload. Only a path that a secret key chose may replace a file: whoever has a
    publishable key, and that may be everybody, must not overwrite what others uploaded with it."""
    chosen = bool(form.fields.get("path")) and not call.caller.is_publishable
    origin = Origin(key_id=call.caller.key_id, declared_mime=form.content_type, replace=chosen)
    drive, workspace_id = call.platform.drive, call.caller.workspace_id
    try:
        return await drive.adopt(
            workspace_id, path, file=form.path, origin=origin, fence=_finish(ticket, path)
        )
    except PathTaken:
        own = uploads_folder(call.caller.key_id)
        path = clean(f"{own}{new_id()}/{path.removeprefix(own)}")
    return await drive.adopt(
        workspace_id, path, file=form.path, origin=origin, fence=_finish(ticket, path)
    )


def _finish(ticket: Ticket | None, path: str) -> Fence:
    return lambda tx: idempotency.finish(tx, ticket, status=200, resource_id=path)


def _uploaded(file: DriveFile) -> wire.Uploaded:
    return {"drive_path": file.path, "size_bytes": file.size_bytes, "mime": file.mime}

"""Which bytes in the storage the rows refer to."""

from __future__ import annotations

from puras.server.db.database import Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.bundles import archive_name
from puras.server.drive import store as drive


async def kept_names(tx: Transaction) -> set[str]:
    """Return the names of all drive files and bundle archives."""
    archives = {archive_name(sha256) for sha256 in await deployments.archives(tx)}
    return archives | await drive.storage_names(tx)

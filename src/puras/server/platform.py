"""Everything a handler may need, in one frozen value that `app` composes once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from puras.server.clock import Clock
from puras.server.guesses import Guesses

if TYPE_CHECKING:
    from puras.server.agent.models.catalog import Catalog
    from puras.server.db.database import Database
    from puras.server.deployments.bundles import Bundles
    from puras.server.drive.signing import Signer
    from puras.server.drive.store import Drive
    from puras.server.events.hub import Hub
    from puras.server.fetch import Fetcher
    from puras.server.jobs.store import Changes
    from puras.server.secrets.vault import Vault
    from puras.server.settings import Settings
    from puras.server.storage.port import Storage
    from puras.server.worker.loop import Worker
    from puras.server.worker.queue.port import Queue


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts of a running server.

    storage   bytes by name: bundle archives and drive files
    bundles   deployments as folders on this machine
    drive     a workspace's files: rows and bytes together
    signer    makes and checks signed URLs
    vault     seals and opens secrets
    hub       who is waiting for which job's events
    queue     brings queued jobs to workers
    worker    runs them; None in a process that only serves
    fetcher   the one way to read a caller's URL
    catalog   the models that skills can name
    guesses   wrong keys, by the address that they came from
    """

    settings: Settings
    clock: Clock
    db: Database
    storage: Storage
    bundles: Bundles
    drive: Drive
    signer: Signer
    vault: Vault
    hub: Hub
    queue: Queue
    fetcher: Fetcher
    catalog: Catalog
    worker: Worker | None
    guesses: Guesses = field(default_factory=Guesses)

    def announce(self, changes: Changes) -> None:
        """Tell of committed changes to jobs: wake readers, stop what ended, offer free slots."""
        if self.worker is not None:
            self.worker.announce(changes)
            return
        self.hub.publish(changes.events)
        self.queue.wake()

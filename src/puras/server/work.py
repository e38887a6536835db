"""`puras worker`: one process that runs jobs of a database that others serve.

A signal makes it take nothing new; running jobs get a few seconds, and the rest goes back to the
queue for other workers. A second signal leaves at once; their leases run out then.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from puras.server.compose import running
from puras.server.logs import configure_logs
from puras.server.serve import GRACE_SECONDS, new_loop
from puras.server.settings import Settings


def work(settings: Settings, *, ready: Callable[[Settings], None]) -> None:
    """Run jobs until a signal comes. `ready` is called once they are claimed.

    Raises:
        SchemaTooNew: the data was written by a newer version.
        BadSetting: a setting makes no sense; there is no database that many can share.
        Unavailable: the database can't be reached.
    """
    configure_logs(format=settings.log_format, level=settings.log_level)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_work(settings, ready))


async def _work(settings: Settings, ready: Callable[[Settings], None]) -> None:
    told, task = asyncio.Event(), asyncio.current_task()

    def leave() -> None:
        if told.is_set() and task is not None:
            task.cancel()
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave)
    async with running(settings, grace=GRACE_SECONDS, serves=False):
        ready(settings)
        await told.wait()

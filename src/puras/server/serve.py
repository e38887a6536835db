"""`puras serve`: one process that holds the data folder, answers HTTP and runs jobs.

Leaving is orderly: at the first signal held requests and open streams end (their clients resume),
then the listener closes, running jobs get a few seconds, and the rest goes back to the queue. A
second signal leaves at once; the next start then recovers what was running.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import structlog
import uvicorn

from puras.server.app import create_app
from puras.server.compose import running
from puras.server.events.hub import Hub
from puras.server.http import Http
from puras.server.listener import listen, raise_open_files
from puras.server.logs import configure_logs
from puras.server.serve_folder import deploy_folder, watch_folder
from puras.server.settings import Settings
from puras.server.start import FirstKey

GRACE_SECONDS = 5.0
_log = structlog.get_logger(__name__)
Ready = Callable[[Settings, FirstKey | None], None]


def serve(
    settings: Settings,
    *,
    bundle_dir: Path | None,
    watch: bool,
    ready: Ready,
    works: bool = True,
) -> None:
    """Serve until a signal comes. `works` off: run no jobs, other processes do.

    `ready` is called with the settings and the first key, if one was just made, once requests are
    answered and the bundle in `bundle_dir` is deployed.

    Port 0 takes any free port; the settings that `ready` gets name it.

    Raises:
        DataInUse: another server has the data folder.
        SchemaTooNew: the data was written by a newer version.
        BadSetting: a setting makes no sense.
        Unavailable: the database can't be reached.
        OSError: the address can't be had.
        Refused: the bundle in `bundle_dir` has faults, and `watch` is off.
    """
    configure_logs(format=settings.log_format, level=settings.log_level)
    raise_open_files()
    with listen(settings.host, settings.port) as listener:
        settings = _with_port(settings, listener.getsockname()[1])
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(
                _serve(
                    settings,
                    listener,
                    bundle_dir=bundle_dir,
                    watch=watch,
                    ready=ready,
                    works=works,
                )
            )


async def _serve(
    settings: Settings,
    listener: socket.socket,
    *,
    bundle_dir: Path | None,
    watch: bool,
    ready: Ready,
    works: bool,
) -> None:
    async with running(settings, grace=GRACE_SECONDS, works=works) as started:
        app = create_app(started.platform)
        server = _Server(app, started.platform.hub)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        watching: asyncio.Task[None] | None = None
        try:
            await server.listening(serving)
            if bundle_dir is not None:
                await deploy_folder(started.platform, bundle_dir, lenient=watch)
                if watch:
                    watching = asyncio.create_task(watch_folder(started.platform, bundle_dir))
            if not serving.done():
                ready(settings, started.first)
            await serving
        finally:
            server.leave()
            if watching is not None:
                watching.cancel()
            await asyncio.gather(serving, *([watching] if watching else []), return_exceptions=True)
            await app.close()


class _Server(uvicorn.Server):
    """Uvicorn, with streams that end at the signal instead of holding it up."""

    def __init__(self, app: Http, hub: Hub) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                http="httptools",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(GRACE_SECONDS),
            )
        )
        self._hub = hub
        self._listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    async def listening(self, serving: asyncio.Task[None]) -> None:
        """Return once requests are answered; raise what kept the server from it."""
        waiting = asyncio.create_task(self._listening.wait())
        await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            await serving

    def leave(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._hub.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn's own raises the signal again at the end, which would cut off our clean-up.
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.leave)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


def _with_port(settings: Settings, port: int) -> Settings:
    public_url = settings.public_url
    if settings.port == 0 and public_url.endswith(":0"):
        public_url = f"{public_url.removesuffix(':0')}:{port}"
    return replace(settings, port=port, public_url=public_url)


def new_loop() -> asyncio.AbstractEventLoop:
    """Make the event loop that servers run on."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()

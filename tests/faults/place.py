"""A whole platform that can be harmed: its processes, kept running, and the lines between them.

    sqlite      one server, files in a folder
    postgres    two servers that run no jobs, two workers, files in a bucket; each process has a
                line of its own to the database, and the bucket can fail

Clients come in through nginx where there is one. What ends is started again at once, as an init
system does.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from urllib.parse import quote, urlsplit

from puras.server.settings import Settings, read_settings
from puras.server.worker.process.processes import family

from ..postgres import PostgresServer
from ..providers.media_server import MediaServer, media_server
from ..server import s3
from ..system.conftest import serving, working
from .parts.bucket import FailingBucket
from .parts.free_port import free_port
from .parts.front import Front, front
from .parts.relay import Relay
from .parts.volume import volume
from .parts.wall_clock import WallClock, wall_clock

KEY = "puras_live_fAuLt000.0123456789abcdefghijklmnopqrstuv"
CONCURRENCY = 12
_WELL_SECONDS = 180.0


@dataclass
class Member:
    """One process of the platform. `name` says which; `start` brings it up."""

    name: str
    start: Callable[[ExitStack], Popen[str]]
    works: bool
    url: str | None = None
    line: Relay | None = None
    clock: WallClock | None = None
    process: Popen[str] | None = None
    starts: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.alive else None

    def bring_up(self) -> None:
        """Start it, or start it again; one that does not come up is tried again by the keeper."""
        self._stack.close()
        try:
            self.process = self.start(self._stack)
        except AssertionError:  # it has said why in its log
            return
        self.starts += 1

    def close(self) -> None:
        self._stack.close()


@dataclass
class Place:
    """The platform. `long` lets faults last as long as in the worst hours; `struck` counts those
    that may rightly end a job, and `one_at_a_time` is for faults that would undo each other."""

    database: str
    home: Path
    settings: Settings
    members: list[Member]
    media: MediaServer
    long: bool
    environment: dict[str, str]
    front: Front | None = None
    postgres: PostgresServer | None = None
    bucket: FailingBucket | None = None
    has_volume: bool = False
    struck: Counter[str] = field(default_factory=Counter)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _keepers: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where clients come in."""
        if self.front is not None:
            return self.front.url
        return next(member.url for member in self.members if member.url)

    @property
    def data(self) -> Path:
        return self.home / "data"

    def begin(self) -> None:
        """Start everything, one after the other, and keep it running."""
        for member in self.members:
            member.bring_up()
            assert member.alive, (self.home / "server.log").read_text()
        for member in self.members:
            keeper = threading.Thread(target=self._keep, args=(member,), daemon=True)
            keeper.start()
            self._keepers.append(keeper)
        self.wait_until_well()

    def end(self) -> None:
        """Stop everything as an operator would."""
        self._closing.set()
        for keeper in self._keepers:
            keeper.join()
        leaving = [threading.Thread(target=member.close) for member in self.members]
        for thread in leaving:
            thread.start()
        for thread in leaving:
            thread.join()

    def below(self) -> list[int]:
        """Return the processes below the members: warm parents, runs, whoever asks models."""
        return [pid for member in self.members if member.pid for pid in family(member.pid)[1:]]

    def wait_until_well(self) -> None:
        deadline = time.monotonic() + _WELL_SECONDS
        while not all(member.alive and _ready(member) for member in self.members):
            assert time.monotonic() < deadline, f"not everything runs again, see {self.home}"
            time.sleep(0.1)

    def _keep(self, member: Member) -> None:
        while not self._closing.wait(0.1):
            if not member.alive:
                member.bring_up()


def _ready(member: Member) -> bool:
    if member.url is None:
        return True
    server = http.client.HTTPConnection(urlsplit(member.url).netloc, timeout=10)
    try:
        server.request("GET", "/ready")
        return server.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


@contextmanager
def platform(
    home: Path, database: str, *, postgres: PostgresServer | None, long: bool
) -> Iterator[Place]:
    """Run a platform inside of the block."""
    with ExitStack() as stack:
        media = stack.enter_context(media_server())
        has_volume = stack.enter_context(volume(home / "data"))
        environment = {
            **media.environment,
            "PURAS_BOOTSTRAP_KEY": KEY,
            "PURAS_CONCURRENCY": str(CONCURRENCY),
            "PURAS_ALLOW_PRIVATE_URLS": "true",
        }
        bucket = None
        if postgres is not None:
            bucket = FailingBucket(stack.enter_context(s3.s3_server()))
            stack.callback(bucket.close)
            environment |= s3.environment(bucket.url)
            environment |= {
                "PURAS_DATABASE_URL": postgres.fresh(),
                "PURAS_STORAGE_URL": s3.make_bucket(bucket.url),
            }
        members = list(_members(home, environment, postgres, stack))
        place = Place(
            database=database,
            home=home,
            settings=read_settings(environment, home=home / "data"),
            members=members,
            media=media,
            long=long,
            postgres=postgres,
            bucket=bucket,
            has_volume=has_volume,
            environment=environment,
        )
        place.front = stack.enter_context(front(home / "nginx", [m.url for m in members if m.url]))
        stack.callback(place.end)
        place.begin()
        yield place


def _members(
    home: Path, environment: dict[str, str], postgres: PostgresServer | None, stack: ExitStack
) -> Iterator[Member]:
    if postgres is None:
        yield _server(home, "server", dict(environment), works=True)
        return
    for name, works in (("api-1", False), ("api-2", False), ("worker-1", True), ("worker-2", True)):
        assert postgres.socket is not None, "the fault suite brings its own PostgreSQL"
        line = Relay(postgres.socket)
        stack.callback(line.close)
        own = dict(environment)
        database = own["PURAS_DATABASE_URL"].partition("?")[0].rpartition("/")[2]
        own["PURAS_DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{line.port}/{quote(database)}"
        member = _worker(home, name, own) if works else _server(home, name, own, works=False)
        member.line = line
        yield member


def _server(home: Path, name: str, environment: dict[str, str], *, works: bool) -> Member:
    port = str(free_port())
    clock = wall_clock(home / f"clock-{name}")
    environment |= clock.environment if clock else {}
    options = ["--port", port, *([] if works else ["--no-worker"])]

    def start(stack: ExitStack) -> Popen[str]:
        return stack.enter_context(serving(home, *options, env=environment)).process

    return Member(name, start, works, url=f"http://127.0.0.1:{port}", clock=clock)


def _worker(home: Path, name: str, environment: dict[str, str]) -> Member:
    clock = wall_clock(home / f"clock-{name}")
    environment |= clock.environment if clock else {}

    def start(stack: ExitStack) -> Popen[str]:
        return stack.enter_context(working(home, env=environment))

    return Member(name, start, works=True, clock=clock)

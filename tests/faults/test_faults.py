"""Everything goes wrong at once, and nothing is lost.

The tale of each storm is printed with its seed; `make test-faults SEED=…` tells it again.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from ..postgres import PostgresServer
from ..system.conftest import PURAS, environment
from .clients import Clients
from .conftest import Wanted
from .faults import FAULTS, lacking
from .load import orders
from .place import KEY, Place, platform
from .storm import Storm, moments
from .verdict import Verdict, most_seconds_of_work, wait_until_recovered

SKILLS = Path(__file__).parent / "skills"
_NO_LIMIT = 0
pytestmark = pytest.mark.faults


@pytest.mark.timeout(_NO_LIMIT)
def test_nothing_is_lost_whatever_breaks(
    database: str, breakable_postgres: PostgresServer | None, wanted: Wanted
) -> None:
    ends = time.monotonic() + wanted.minutes * 60
    seed = wanted.seed
    while True:
        home = Path(tempfile.mkdtemp(prefix="faults-"))  # short: sockets lie in it
        with platform(home, database, postgres=breakable_postgres, long=wanted.long) as place:
            weather(place, wanted, seed=seed)
        shutil.rmtree(home)
        seed += 1
        if time.monotonic() > ends:
            return


def weather(place: Place, wanted: Wanted, *, seed: int) -> None:
    """Let one storm pass over a platform, and judge what it has left."""
    out = lacking(place)
    names = [name for name in wanted.faults or FAULTS if name not in out]
    left_out = "".join(f"\n  without {name}: {why}" for name, why in out.items())
    print(f"\n{place.database}, SEED={seed}: {', '.join(names)}{left_out}", flush=True)
    _deploy(place)
    storm = Storm(place, FAULTS)
    clients = Clients(place.url, KEY)
    try:
        clients.begin(orders(seed, wanted.jobs, seconds=wanted.seconds))
        storm.blow(moments(seed, names, seconds=wanted.seconds, pause=wanted.pause))
        recovered = wait_until_recovered(place)
        told = clients.finish(seconds=most_seconds_of_work(wanted.jobs))
        verdict = Verdict(place, told)
        verdict.of_the_living()
        place.end()
        verdict.of_the_stopped()
    finally:
        print("\n".join(storm.tale), flush=True)
        clients.close()
    print(
        f"{len(verdict.jobs)} jobs, {_attempts(verdict)}, all taken up again within"
        f" {recovered:.1f} s, excused: {dict(verdict.excused) or 'none'},"
        f" {verdict.left_behind} files without a row",
        flush=True,
    )


def _attempts(verdict: Verdict) -> str:
    counted = Counter(job.attempt for job in verdict.jobs.values())
    return ", ".join(f"{counted[n]} with {n} attempts" for n in sorted(counted))


def _deploy(place: Place) -> None:
    bundle = shutil.copytree(SKILLS, place.home / "skills")  # deploying writes its id into it
    reached = {"PURAS_API_KEY": KEY, "PURAS_API_BASE": place.url}
    done = subprocess.run(
        [*PURAS, "deploy", str(bundle)],
        env=environment(place.home) | reached,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr

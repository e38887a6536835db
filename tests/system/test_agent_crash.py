"""An agent whose server or worker is killed goes on elsewhere, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.providers.model_server import Hold, ModelServer, Request, Step, model_server
from tests.providers.wire.say import Say

from puras import Puras

from ..postgres import PostgresServer
from .conftest import Served, serving, working
from .test_crash import wait_until

SKILL = """\
description: Draws and counts.
entrypoint: SKILL.md
text_model: anthropic/claude-haiku-4.5
input_schema: {type: object, properties: {topic: {type: string}}}
output_schema: {type: object, properties: {answer: {type: string}, picture: {type: image}}}
tools:
  - name: ponder
    description: Thinks about it.
    entrypoint: tools.py:ponder
    input_schema: {type: object, properties: {seconds: {type: number}}}
"""
TOOLS = """\
import time

def ponder(seconds=0.0):
    time.sleep(seconds)
    return {"thought": "deep"}
"""
SECONDS_TO_GO_ON = 30


@dataclass
class Story:
    """What the model says turn by turn; `hold` keeps the answer to one turn back."""

    hold: Hold = field(default_factory=Hold)
    holds_turn: int | None = None
    ponder_seconds: float = 0.0
    asked: Counter[int] = field(default_factory=Counter)

    def __call__(self, request: Request) -> Step:
        turn = sum(message["role"] == "assistant" for message in request.body["messages"])
        self.asked[turn] += 1
        if turn == self.holds_turn and self.asked[turn] == 1:
            return Hold(self.hold.released, self.hold.arrived, self._says(turn, request))
        return self._says(turn, request)

    def _says(self, turn: int, request: Request) -> Say:
        if turn == 0:
            return Say(
                "First a picture.",
                calls=[
                    ("generate_image", {"prompt": "a cup", "model": "local/draft"}),
                    ("bash", {"command": "echo drawn >> notes.txt"}),
                ],
            )
        if turn == 1:
            return Say(calls=[("ponder", {"seconds": self.ponder_seconds})])
        if turn == 2:
            return Say(calls=[("bash", {"command": "cat notes.txt"})])
        picture = _path_in(str(request.body["messages"]))
        return Say(calls=[("set_output", {"answer": "done", "picture": picture})])


def _path_in(conversation: str) -> str:
    begin = conversation.index("jobs/")
    return conversation[begin : conversation.index(".png", begin) + 4]


@dataclass
class Place:
    """A server with the skill deployed, that can be killed and comes back."""

    home: Path
    env: dict[str, str]
    stack: ExitStack
    apart: bool
    key: str = ""
    served: Served | None = None
    worker: Any = None

    def start(self) -> None:
        options = ["--no-worker"] if self.apart else []
        if self.served is None or not self.apart:
            self.served = self.stack.enter_context(serving(self.home, *options, env=self.env))
            self.key = self.key or self.served.key
        if self.apart:
            self.worker = self.stack.enter_context(working(self.home, env=self.env))

    def kill(self) -> None:
        """Kill what runs the jobs, and have it started anew."""
        assert self.served is not None
        victim = self.worker if self.apart else self.served.process
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        self.start()

    def client(self) -> Puras:
        assert self.served is not None
        return self.stack.enter_context(Puras(self.key, "story", api_base=self.served.base))


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, provider: ModelServer) -> Iterator[Place]:
    env = dict(provider.environment)
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        env["PURAS_DATABASE_URL"] = postgres.fresh()
    with ExitStack() as stack:
        place = Place(tmp_path / "home", env, stack, apart=request.param == "postgres")
        place.start()
        _deploy(place, tmp_path / "story")
        yield place


def _deploy(place: Place, bundle: Path) -> None:
    folder = bundle / "draw"
    folder.mkdir(parents=True)
    (folder / "skill.yaml").write_text(SKILL)
    (folder / "SKILL.md").write_text("Draw a picture of the topic.\n")
    (folder / "tools.py").write_text(TOOLS)
    assert place.served is not None
    login = {"PURAS_API_KEY": place.key, "PURAS_API_BASE": place.served.base}
    done = place.served.puras("deploy", str(bundle), env=login)
    assert done.returncode == 0, done.stderr


def _told(puras: Puras, job_id: str) -> list[tuple[str, Any]]:
    """Return what a job's log tells of its work, without what belongs to an attempt."""
    events = list(puras.events(job_id))
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert events[-1].type == "status"
    kept = ("step", "model_response", "tool_call", "tool_result")
    return [(event.type, event.payload.get("name")) for event in events if event.type in kept]


def _run_through(place: Place, when: Callable[[Puras, str], None] | None = None) -> dict[str, Any]:
    """Run the skill to its end, with the worker killed `when` that returns."""
    puras = place.client()
    job_id = puras.submit("draw", {"topic": "tea"}).id
    if when is not None:
        when(puras, job_id)
        killed = time.monotonic()
        place.kill()
        puras = place.client()
        wait_until(lambda: puras.get(job_id).attempt > 1, seconds=SECONDS_TO_GO_ON + 30)
        assert time.monotonic() - killed < SECONDS_TO_GO_ON + 10
    job = puras.wait(job_id, timeout=100)
    assert job.status == "succeeded", job
    picture = job.outputs[0]
    return {
        "answer": job.result["answer"],
        "mime": picture["mime"],
        "cost": job.cost_micros,
        "usage": job.usage,
        "steps": job.steps,
        "told": Counter(_told(puras, job_id)),
        "attempt": job.attempt,
    }


def _compared(run: dict[str, Any]) -> dict[str, Any]:
    return {name: run[name] for name in ("answer", "mime", "cost", "usage", "steps", "told")}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", [0, 1, 3])
def test_a_worker_killed_while_the_model_thinks_costs_and_repeats_nothing(
    place: Place, provider: ModelServer, turn: int
) -> None:
    provider.answer_with(Story())
    undisturbed = _run_through(place)
    story = Story(holds_turn=turn)
    provider.answer_with(story)
    disturbed = _run_through(place, lambda puras, job_id: _arrived(story))
    story.hold.released.set()
    assert _compared(disturbed) == _compared(undisturbed)
    assert disturbed["attempt"] == 2
    # The provider was asked again for the turn that was cut off, and for no other.
    assert story.asked == Counter({t: 2 if t == turn else 1 for t in range(4)})


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_killed_in_the_middle_of_a_tool_asks_the_model_no_turn_twice(
    place: Place, provider: ModelServer
) -> None:
    provider.answer_with(Story())
    undisturbed = _run_through(place)
    story = Story(ponder_seconds=5)
    provider.answer_with(story)

    def begun(puras: Puras, job_id: str) -> None:
        for event in puras.events(job_id):
            if event.type == "tool_call" and event.payload["name"] == "ponder":
                return

    disturbed = _run_through(place, begun)
    assert _compared(disturbed) == _compared(undisturbed)
    assert set(story.asked.values()) == {1}


def _arrived(story: Story) -> None:
    assert story.hold.arrived.wait(60), "the model was never asked for that turn"

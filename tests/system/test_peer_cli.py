"""The command line as users of the hosted product type it: only base URL and key are others.

It is the installed `puras`, in a home folder where nobody has logged in.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .conftest import Served

PURAS = str(Path(sys.executable).with_name("puras"))
NOBODYS_KEY = "puras_live_aaaaaaaa." + "b" * 32
NO_JOB = "0192f000-0000-7000-8000-000000000000"
ECHO = """\
def run(prompt="", size=0, tags=()):
    print("echoing", prompt)
    return {"prompt": prompt, "size": size, "tags": list(tags)}
"""
ECHO_YAML = """\
description: It gives back what it gets.
entrypoint: main.py:run
input_schema:
  type: object
  properties:
    prompt: {type: text}
    size: {type: integer}
    tags: {type: array, items: {type: string}}
"""


@dataclass
class Person:
    """Someone at a machine of their own, who was given an address and a key."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        terminal = {"TERM": "xterm-256color", "COLUMNS": "100"}
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), **terminal, **self.settings}

    def types(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command with pipes around it."""
        return subprocess.run(
            [PURAS, *arguments],
            env=self.environment,
            cwd=options.pop("cwd", self.home),
            capture_output=True,
            text=True,
            timeout=90,
            **options,
        )

    def gets(self, *arguments: str, **options: Any) -> str:
        """Run a command that must succeed, and return what it wrote to stdout."""
        done = self.types(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def at_a_terminal(self, *arguments: str) -> Iterator[Terminal]:
        """Run a command with a terminal around it, until the block ends."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [PURAS, *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # Ctrl-C reaches those alone whose controlling terminal it was typed at.
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
        )
        os.close(theirs)
        try:
            yield Terminal(ours, process)
        finally:
            process.kill()
            process.wait()
            os.close(ours)


@dataclass
class Terminal:
    """The screen and the keyboard of a running command."""

    descriptor: int
    process: subprocess.Popen[bytes]
    screen: str = ""

    def reads_until(self, mark: str) -> None:
        while mark not in self.screen:
            chunk = self._chunk()
            assert chunk, f"{mark!r} never came:\n{self.screen}"
            self.screen += chunk

    def presses(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def exit_code(self) -> int:
        """Read the rest, and return how the command ended."""
        while chunk := self._chunk():
            self.screen += chunk
        return self.process.wait(30)

    def _chunk(self) -> str:
        try:
            return os.read(self.descriptor, 65536).decode("utf-8", "replace")
        except OSError:  # the command has left
            return ""


@pytest.fixture
def stranger(server: Served, tmp_path: Path) -> Person:
    """Has an address, with a slash at its end, and no key yet."""
    home = tmp_path / "stranger"
    home.mkdir()
    return Person(home, {"PURAS_API_BASE": f"{server.base}/"})


@pytest.fixture
def person(server: Served, stranger: Person) -> Person:
    """Has the key in the environment, as a CI job would."""
    stranger.settings["PURAS_API_KEY"] = server.key
    return stranger


@pytest.fixture
def bundle(person: Person, skills: Path) -> Path:
    """A bundle that is deployed as skillpack `peer-cli`."""
    (skills / "echo").mkdir()
    (skills / "echo" / "main.py").write_text(ECHO)
    (skills / "echo" / "skill.yaml").write_text(ECHO_YAML)
    person.gets("deploy", str(skills), "--app", "peer-cli", "--notes", "for the peers")
    return skills


@pytest.fixture
def submit(person: Person, bundle: Path) -> Callable[..., str]:
    """Submits a job and returns its id."""

    def begin(skill: str, *options: str) -> str:
        return person.gets("run", f"peer-cli/{skill}", *options, "--async").strip()

    return begin


def document(person: Person, *arguments: str) -> Any:
    return json.loads(person.gets(*arguments, "--output", "json"))


def test_a_login_is_kept_and_forgotten(server: Served, stranger: Person) -> None:
    assert stranger.types("whoami").returncode == 3
    assert stranger.types("login", "--key", NOBODYS_KEY).returncode == 3
    assert not (stranger.home / ".puras" / "config.json").exists()
    said = stranger.gets("login", "--key", "-", input=f"{server.key}\n")
    assert said == f"Logged in to workspace local at {server.base}.\n"
    assert document(stranger, "whoami")["workspace"] == "local"
    del stranger.settings["PURAS_API_BASE"]
    assert document(stranger, "whoami")["api_base"] == server.base
    stranger.gets("logout")
    assert stranger.types("whoami").returncode == 3


def test_a_login_asks_for_the_key_and_does_not_show_it(server: Served, stranger: Person) -> None:
    with stranger.at_a_terminal("login") as terminal:
        terminal.reads_until(f"API key for {server.base}")
        terminal.presses(f"{server.key}\r")
        assert terminal.exit_code() == 0
    assert "Logged in to workspace local" in terminal.screen
    assert server.key not in terminal.screen


def test_a_folder_is_made_deployed_and_run_from_within(person: Person) -> None:
    person.gets("init", "first-app")
    folder = person.home / "first-app"
    assert "Version 1 of first-app is deployed and active." in person.gets("deploy", cwd=folder)
    assert "slug: first-app" in (folder / "puras.yaml").read_text()
    ran = person.gets("run", "hello", "-i", "name=Ada", cwd=folder)
    assert json.loads(ran)["message"].startswith("Hello Ada")
    assert "first-app" in [row.split("\t")[0] for row in person.gets("skillpacks").splitlines()]


def test_versions_wait_are_pinned_and_are_activated(person: Person, bundle: Path) -> None:
    flags = ("--skillpack", "peer-cli", "--no-activate", "--notes", "waits")
    waiting = document(person, "deploy", str(bundle), *flags)
    assert (waiting["is_active"], waiting["notes"]) == (False, "waits")
    version = str(waiting["version"])
    pinned = document(person, "run", "peer-cli/echo", "--version", version)
    assert pinned["version"] == waiting["version"]
    assert document(person, "run", "peer-cli/echo")["version"] < waiting["version"]
    person.gets("activate", waiting["id"], "--app", "peer-cli")
    assert document(person, "run", "peer-cli/echo")["version"] == waiting["version"]
    person.gets("activate", str(waiting["version"] - 1), "--skillpack", "peer-cli")
    newest, before, *_ = document(person, "deployments", "--app", "peer-cli")
    assert (newest["is_active"], before["is_active"]) == (False, True)


def test_inputs_come_in_every_way_there_is(person: Person, bundle: Path) -> None:
    sent = '{"prompt": "hidden", "tags": ["a", "b"]}'
    ran = person.gets("run", "peer-cli/echo", "--json", sent, "-i", "size=3", "-p", "Say 42")
    assert json.loads(ran) == {"prompt": "Say 42", "size": 3, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("run", "peer-cli/greet", "-i", "name=Ada"), 0),
        (("run", "peer-cli/fail"), 1),
        (("run", "peer-cli/greet"), 1),
        (("run", "peer-cli/greet", "-i", "name"), 2),
        (("run",), 2),
        (("run", "peer-cli/gret"), 4),
        (("run", "peer-cli/greet", "--version", "99"), 4),
        (("logs", NO_JOB), 4),
        (("spans", NO_JOB), 4),
        (("replay", NO_JOB), 4),
        (("feedback", NO_JOB, "--rating", "1"), 4),
        (("feedback", NO_JOB), 2),
        (("activate", "99", "--app", "peer-cli"), 4),
        (("deployments", "--app", "nowhere"), 4),
        (("secrets", "rm", "ABSENT", "--app", "peer-cli"), 4),
        (("secrets", "set", "PATH", "x", "--app", "peer-cli"), 1),
        (("pull", "nowhere"), 4),
        (("deploy", "no-such-folder"), 2),
        (("deplyo",), 2),
    ],
)
def test_a_script_can_rely_on_the_exit_code(
    person: Person, bundle: Path, arguments: tuple[str, ...], exit_code: int
) -> None:
    done = person.types(*arguments)
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr.replace("log        error: Traceback", "")


def test_a_wrong_key_and_a_spent_one_have_exit_codes_of_their_own(
    person: Person, bundle: Path
) -> None:
    minted = person.gets("keys", "mint", "--name", "spent", "--daily-cap", "0").strip()
    person.settings["PURAS_API_KEY"] = minted
    assert person.types("run", "peer-cli/greet", "-i", "name=A").returncode == 5
    person.settings["PURAS_API_KEY"] = NOBODYS_KEY
    assert person.types("run", "peer-cli/greet", "-i", "name=A").returncode == 3


def test_a_job_is_submitted_followed_rated_and_replayed(
    person: Person, submit: Callable[..., str]
) -> None:
    job_id = submit("echo", "-i", "prompt=once")
    said = person.gets("logs", job_id, "--timeout", "60", "--interval", "0.1")
    assert "log        echoing once" in said
    assert said.splitlines()[-1].endswith("status     succeeded")
    assert "function" in person.gets("spans", job_id)
    person.gets("feedback", job_id, "--rating", "-1", "--comment", "too short")
    assert json.loads(person.gets("replay", job_id))["prompt"] == "once"


def test_waiting_that_is_too_short_leaves_the_job_at_work(
    person: Person, submit: Callable[..., str]
) -> None:
    job_id = submit("sleep", "-i", "seconds=60")
    logs = person.types("logs", job_id, "--timeout", "0.5", "--interval", "0.1")
    run = person.types("run", "peer-cli/sleep", "-i", "seconds=2", "--timeout", "0.2")
    assert (logs.returncode, run.returncode) == (1, 1)
    assert f"job {job_id} was not over in time; it goes on" in logs.stderr
    assert document(person, "jobs", job_id)["status"] == "running"
    person.gets("cancel", job_id)


def test_secrets_are_set_listed_and_removed(person: Person, bundle: Path) -> None:
    where = ("--app", "peer-cli")
    person.gets("secrets", "set", "PEER_TOKEN", "a-token-of-ours", *where)
    person.gets("secrets", "set", "PEER_OTHER", *where, input="from a pipe\n")
    listed = person.gets("secrets", "ls", *where)
    assert [row.split("\t")[0] for row in listed.splitlines()] == ["PEER_OTHER", "PEER_TOKEN"]
    assert "a-token-of-ours" not in listed
    for name in ("PEER_TOKEN", "PEER_OTHER"):
        person.gets("secrets", "rm", name, *where)
    assert person.gets("secrets", "ls", *where) == ""


def test_a_bundle_comes_back_as_it_was_deployed(person: Person, bundle: Path) -> None:
    person.gets("pull", "peer-cli")
    pulled = person.home / "peer-cli"
    assert (pulled / "echo" / "main.py").read_text() == ECHO
    assert (pulled / "echo" / "skill.yaml").read_text() == ECHO_YAML


def test_a_run_is_drawn_at_a_terminal(person: Person, bundle: Path) -> None:
    with person.at_a_terminal("run", "peer-cli/greet", "-i", "name=Ada") as terminal:
        assert terminal.exit_code() == 0
    assert "greeting Ada" in terminal.screen
    assert '"message": "Hello Ada"' in terminal.screen
    assert "\x1b[?25h" in terminal.screen  # the cursor is back


def test_logs_are_drawn_at_a_terminal_until_the_job_fails(
    person: Person, submit: Callable[..., str]
) -> None:
    job_id = submit("fail")
    with person.at_a_terminal("logs", job_id, "--timeout", "60") as terminal:
        assert terminal.exit_code() == 1
    assert "ValueError: it broke" in terminal.screen
    assert "\x1b[?25h" in terminal.screen


def test_ctrl_c_at_a_terminal_leaves_the_job_at_work(
    person: Person, submit: Callable[..., str]
) -> None:
    job_id = submit("sleep", "-i", "seconds=60")
    with person.at_a_terminal("logs", job_id) as terminal:
        terminal.reads_until("asleep")
        terminal.presses("\x03")
        assert terminal.exit_code() == 130
    assert f"job {job_id} goes on" in terminal.screen
    assert document(person, "jobs", job_id)["status"] == "running"
    person.gets("cancel", job_id)


def test_a_local_run_tells_its_server_which_model_to_take(person: Person, skills: Path) -> None:
    model = ("--model", "anthropic/claude-sonnet-4.6")
    with subprocess.Popen(
        [PURAS, "run", "sleep", "-i", "seconds=60", "--local", "--dir", str(skills), *model],
        env=person.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        while "asleep" not in run.stderr.readline():
            assert run.poll() is None
        (server,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        settings = Path(f"/proc/{server}/environ").read_text().split("\0")
        run.terminate()
        assert run.wait(30) == 128 + signal.SIGTERM
    assert "PURAS_TEXT_MODEL=anthropic/claude-sonnet-4.6" in settings

"""A server for a while: `puras run --local` and `puras demo` leave nothing of it behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from puras.cli.config import Login
from puras.cli.deploy import check_bundle
from puras.cli.failures import USAGE, CommandFailed
from puras.cli.model_keys import kept_model_key
from puras.cli.server_extra import need_server, server_refusals

SKILLPACK: Final = "local"
"""The slug under which `serve --dir` deploys."""

_STOP_SECONDS: Final = (0.5, 15.0)
_BASE62: Final = string.ascii_letters + string.digits
_NOT_PASSED_ON: Final = frozenset(
    {
        "PURAS_API_BASE",
        "PURAS_API_KEY",
        "PURAS_DATABASE_URL",
        "PURAS_HOME",
        "PURAS_PUBLIC_URL",
        "PURAS_STORAGE_URL",
    }
)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that runs as long as its block. `login` has a key that may do everything."""

    login: Login
    _process: subprocess.Popen[bytes]
    _home: Path
    _environment: Mapping[str, str]

    def sign_in_link(self, page: str) -> str:
        """Return a URL that signs one browser in, once within 15 minutes, and leads to `page`."""
        import asyncio

        from puras.server.admin import make_link
        from puras.server.settings import read_settings

        port = urlsplit(self.login.api_base).port
        assert port is not None
        with server_refusals():
            settings = read_settings(self._environment, home=_data(self._home), port=port)
            return asyncio.run(make_link(settings, page=page))

    def wait(self) -> None:
        """Wait for Ctrl-C.

        Raises:
            CommandFailed: the server ended before.
        """
        try:
            self._process.wait()
        except KeyboardInterrupt:
            return
        said = _last_words(_log(self._home))
        raise CommandFailed(f"the local server is gone:\n{said}", code="server_gone")


@contextmanager
def local_server(
    folder: Path | None, *, model: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[LocalServer]:
    """Serve from a data folder of its own, as long as the block runs; a bundle in `folder` is
    deployed before. `model` is that of agentic skills that name none, `settings` go before those
    of the environment.

    Raises:
        CommandFailed: `puras[server]` is missing, the bundle has faults, or the start failed.
    """
    need_server()
    if folder is not None:
        check_bundle(folder)
    key = _new_key()
    with tempfile.TemporaryDirectory(prefix="puras-local-") as folder_of_it, _stopped_in_order():
        home = Path(folder_of_it)
        environment = _environment({**_own_settings(key, model), **(settings or {})})
        process = _start(folder, home=home, environment=environment)
        try:
            url = _url(process, home=home, model=model)
            yield LocalServer(Login(url, key, "config"), process, home, environment)
        finally:
            _stop(process)


def _start(
    folder: Path | None, *, home: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "puras.cli.main", "serve", "--no-login", "--output", "json"]
    options = ["--data", str(_data(home)), "--port", "0"]
    options += ["--dir", str(folder)] if folder is not None else []
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [*command, *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            # Ctrl-C is for the one who watches: the server is stopped after it, in order.
            start_new_session=True,
        )


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    return {**kept_model_key(kept), **kept, **own}


def _data(home: Path) -> Path:
    return home / "data"


def _log(home: Path) -> str:
    return (home / "log").read_text("utf-8", "replace").strip()


def _own_settings(key: str, model: str | None) -> dict[str, str]:
    return {"PURAS_BOOTSTRAP_KEY": key} | ({"PURAS_TEXT_MODEL": model} if model else {})


def _url(process: subprocess.Popen[bytes], *, home: Path, model: str | None) -> str:
    """Wait for the line that a server writes when its bundle is deployed; return its address."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        said = _last_words(_log(home))
        _, _, unknown = said.partition(f"PURAS_TEXT_MODEL={model!r}: ")
        if unknown:
            raise CommandFailed(f"--model: {unknown}", exit_code=USAGE)
        raise CommandFailed(f"the local server did not start:\n{said}", code="not_started")
    return str(json.loads(line)["url"])


def _last_words(log: str) -> str:
    """Return the sentence with which a server gave up, all of its log where there is none."""
    try:
        return str(json.loads(log[log.rfind("\n{\n") + 1 :])["detail"])
    except (ValueError, KeyError, TypeError):
        return log


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server: a first signal asks, a second one does not wait for running jobs."""
    for patience in _STOP_SECONDS:
        process.terminate()
        try:
            process.communicate(timeout=patience)
            return
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.communicate()


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Unwind at SIGTERM, and when the terminal is closed: either would otherwise end this process
    and leave its server running. With `nohup` the latter is ignored, here too."""
    before = {
        number: signal.signal(number, lambda number, _: sys.exit(128 + number))
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _new_key() -> str:
    prefix, secret = ("".join(secrets.choice(_BASE62) for _ in range(length)) for length in (8, 32))
    return f"puras_live_{prefix}.{secret}"

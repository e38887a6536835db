"""Moving every secret to another key of the server's."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from puras.server import admin
from puras.server.doctor.checks import examine
from puras.server.secrets.vault import CannotOpen
from puras.server.settings import Settings

from ..jobs.bench import Bench, Skill, open_bench
from ..support import settings_for

OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
READ = Skill("read", "import puras\ndef run(): return {'is': puras.secret('TOKEN')}\n")


async def _set(bench: Bench) -> None:
    body = {"name": "TOKEN", "value": "a-value-to-keep"}
    await bench.client.put("/v1/skillpacks/pack/secrets", json=body)


async def _said_by_the_doctor(settings: Settings) -> str:
    (check,) = [check for check in await examine(settings) if check.name == "secrets"]
    return f"{check.state}: {check.detail}"


async def test_after_a_rotation_the_old_key_is_not_needed(tmp_path: Path) -> None:
    home = tmp_path / "data"
    async with open_bench(home, secrets_key=OLD) as bench:
        await bench.deploy(READ)
        await _set(bench)
        key = bench.client.headers["Authorization"]
    both = settings_for(home, secrets_key=f"{NEW},{OLD}")
    assert await admin.rotate_secrets(both) == 1
    assert await admin.rotate_secrets(both) == 0
    async with open_bench(home, secrets_key=NEW) as bench:
        bench.client.headers["Authorization"] = key
        assert (await bench.run("read"))["result"] == {"is": "a-value-to-keep"}


async def test_a_rotation_without_the_old_key_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "data"
    async with open_bench(home, secrets_key=OLD) as bench:
        await bench.deploy(READ)
        await _set(bench)
        before = await bench.rows("SELECT * FROM secrets")
        with pytest.raises(CannotOpen, match="TOKEN"):
            await admin.rotate_secrets(settings_for(home, secrets_key=NEW))
        assert await bench.rows("SELECT * FROM secrets") == before
        said = await _said_by_the_doctor(settings_for(home, secrets_key=NEW))
        assert said.startswith("fail: the secret TOKEN can't be read")


async def test_a_rotation_may_go_on_beside_a_running_server(tmp_path: Path) -> None:
    home = tmp_path / "data"
    async with open_bench(home, secrets_key=f"{OLD},{NEW}") as bench:
        await bench.deploy(READ)
        await _set(bench)
        both = settings_for(home, secrets_key=f"{NEW},{OLD}")
        assert "all 1 can be read, 1 with an older key" in await _said_by_the_doctor(both)
        assert await admin.rotate_secrets(both) == 1
        assert await _said_by_the_doctor(both) == "ok: all 1 can be read"
        assert (await bench.run("read"))["result"] == {"is": "a-value-to-keep"}

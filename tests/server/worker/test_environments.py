"""Environments: built once, whole or not at all, kept apart, and without the network where none is
needed. The packages are made here, so that no test needs an index."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import textwrap
import zipfile
from pathlib import Path

import pytest

from puras.server.worker.build import BuildKilled
from puras.server.worker.environments import EnvironmentBroken, Environments

from .support import Bench


def wheel(folder: Path, name: str, code: str) -> None:
    """Write the smallest wheel there is."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


def source_package(folder: Path, name: str, code: str) -> str:
    """Write a package that is built by code of its own, and return its requirement."""
    package = folder / name
    package.mkdir()
    (package / "pyproject.toml").write_text(
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n'
    )
    (package / "backend.py").write_text(textwrap.dedent(code))
    archive = folder / f"{name}-1.0.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for file in package.iterdir():
            written.write(file, f"{name}-1.0/{file.name}")
    return f"{name} @ {archive.as_uri()}"


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "links"
    folder.mkdir()
    wheel(folder, "tiny_of_ours", "NAME = 'tiny'")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    return folder


@pytest.fixture
def environments(tmp_path: Path, links: Path) -> Environments:
    return Environments(tmp_path / "home" / "environments")


async def says(python: Path, code: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(python), "-c", code, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip()


async def test_no_requirements_are_an_empty_environment(environments: Environments) -> None:
    python = await environments.ensure("# nothing\n\n", "acme", lambda _: None)
    assert await says(python, "import sys; print(sys.prefix)") == str(python.parent.parent)


async def test_a_requirement_is_installed_and_the_build_is_heard(
    environments: Environments,
) -> None:
    lines: list[str] = []
    python = await environments.ensure("tiny-of-ours==1.0", "acme", lines.append)
    assert await says(python, "import tiny_of_ours; print(tiny_of_ours.NAME)") == "tiny"
    assert any("tiny-of-ours==1.0" in line for line in lines)


async def test_an_environment_is_read_only(environments: Environments) -> None:
    python = await environments.ensure("tiny-of-ours", "acme", lambda _: None)
    prefix = python.parent.parent
    writable = [
        path
        for path in (prefix, *prefix.rglob("*"))
        if not path.is_symlink() and path.stat().st_mode & 0o222
    ]
    assert writable == []


async def test_an_environment_that_is_there_is_not_built_again(
    environments: Environments, links: Path, tmp_path: Path
) -> None:
    first = await environments.ensure("tiny-of-ours", "acme", lambda _: None)
    (links / "tiny_of_ours-1.0-py3-none-any.whl").unlink()
    lines: list[str] = []
    again = Environments(tmp_path / "home" / "environments")
    assert await again.ensure("tiny-of-ours\n", "acme", lines.append) == first
    assert lines == []


async def test_workspaces_never_share_an_environment(environments: Environments) -> None:
    one = await environments.ensure("tiny-of-ours", "acme", lambda _: None)
    other = await environments.ensure("tiny-of-ours", "umbrella", lambda _: None)
    assert one != other


async def test_who_comes_while_it_is_built_waits_for_the_same_build(
    environments: Environments,
) -> None:
    first: list[str] = []
    second: list[str] = []
    pythons = await asyncio.gather(
        environments.ensure("tiny-of-ours", "acme", first.append),
        environments.ensure("tiny-of-ours", "acme", second.append),
    )
    assert pythons[0] == pythons[1]
    assert first == second != []


async def test_one_who_gives_up_leaves_the_build_to_the_others(environments: Environments) -> None:
    one = asyncio.ensure_future(environments.ensure("tiny-of-ours", "acme", lambda _: None))
    other = asyncio.ensure_future(environments.ensure("tiny-of-ours", "acme", lambda _: None))
    await asyncio.sleep(0)
    one.cancel()
    assert (await other).exists()
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_what_can_not_be_had_is_broken_and_says_why(environments: Environments) -> None:
    with pytest.raises(EnvironmentBroken) as caught:
        await environments.ensure("no-such-package-of-ours==9", "acme", lambda _: None)
    assert "no-such-package-of-ours" in caught.value.log
    assert caught.value.log.splitlines()[-1] == "uv pip compile ended with exit code 1"


async def test_a_failed_build_leaves_nothing_behind(
    environments: Environments, tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentBroken):
        await environments.ensure("no-such-package-of-ours", "acme", lambda _: None)
    root = tmp_path / "home" / "environments"
    assert list((root / "environments").iterdir()) == []
    assert list(root.glob("workspaces/*/build-*")) == []


async def test_what_nobody_needs_is_dropped_and_can_be_had_again(
    environments: Environments, tmp_path: Path
) -> None:
    kept = await environments.ensure("tiny-of-ours", "acme", lambda _: None)
    gone = await environments.ensure("tiny-of-ours", "umbrella", lambda _: None)
    left_by_a_crash = tmp_path / "home" / "environments" / "leaving" / "half" / "of-it"
    left_by_a_crash.mkdir(parents=True)
    unneeded = environments.all() - environments.needed("# the same\ntiny-of-ours", "acme")
    assert len(unneeded) == 3  # an environment, its lock, and what was built on the way
    await environments.drop(unneeded)
    assert kept.exists()
    assert not gone.exists()
    assert not left_by_a_crash.exists()
    assert environments.all() == environments.needed("tiny-of-ours", "acme")
    assert await environments.ensure("tiny-of-ours", "umbrella", lambda _: None) == gone
    assert gone.exists()


async def test_half_an_environment_from_a_crash_is_never_used(
    environments: Environments, tmp_path: Path
) -> None:
    python = await environments.ensure("tiny-of-ours", "acme", lambda _: None)
    whole = python.parent.parent
    [place] = (tmp_path / "home" / "environments" / "workspaces").iterdir()
    half = place / "build-crashed" / "environment"
    half.parent.mkdir()
    for path in (whole, *whole.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    os.rename(whole, half)
    again = Environments(tmp_path / "home" / "environments")
    assert (await again.ensure("tiny-of-ours", "acme", lambda _: None)).exists()
    assert whole.exists()


HANGS = """
    import pathlib, time
    def build_wheel(*_, **__): time.sleep(600)
    def build_wheel(*_, **__): time.sleep(600)
"""


async def test_a_build_over_its_time_is_stopped(tmp_path: Path, links: Path) -> None:
    environments = Environments(tmp_path / "home" / "environments", build_seconds=1.0)
    requirement = source_package(links, "slow_of_ours", HANGS)
    with pytest.raises(EnvironmentBroken, match="took longer than 1 s"):
        await environments.ensure(requirement, "acme", lambda _: None)


async def test_a_build_that_somebody_kills_breaks_no_deployment(
    environments: Environments, links: Path, tmp_path: Path
) -> None:
    requirement = source_package(links, "slow_of_ours", HANGS)
    ensured = asyncio.ensure_future(environments.ensure(requirement, "acme", lambda _: None))
    while not (found := builds_below(tmp_path)) and not ensured.done():
        await asyncio.wait([ensured], timeout=0.02)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(BuildKilled, match="uv pip compile was killed"):
        await ensured


def builds_below(folder: Path) -> list[int]:
    """Return the processes of `uv` that work in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            program, *arguments = path.read_bytes().split(b"\0")
            if program.endswith(b"/uv") and os.fsencode(folder) in b"".join(arguments):
                found.append(int(path.parent.name))
    return found


async def test_closing_stops_a_build(environments: Environments, links: Path) -> None:
    requirement = source_package(links, "slow_of_ours", HANGS)
    ensured = asyncio.ensure_future(environments.ensure(requirement, "acme", lambda _: None))
    await asyncio.sleep(0)
    await environments.close()
    with pytest.raises(asyncio.CancelledError):
        await ensured


async def test_a_build_over_its_size_is_stopped(tmp_path: Path, links: Path) -> None:
    environments = Environments(tmp_path / "home" / "environments", build_bytes=4 * 1024 * 1024)
    requirement = source_package(
        links,
        "large_of_ours",
        """
        import os, pathlib, time
        def build_wheel(*_, **__):
            pathlib.Path(os.environ["TMPDIR"], "large").write_bytes(bytes(16 * 1024 * 1024))
            time.sleep(600)
        """,
    )
    with pytest.raises(EnvironmentBroken, match="more than 4,194,304 bytes"):
        await environments.ensure(requirement, "acme", lambda _: None)


async def test_a_source_build_can_not_reach_the_data_folder(
    environments: Environments, links: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "home" / "puras.db"
    secret.write_text("everything")
    requirement = source_package(
        links,
        "nosy_of_ours",
        f"""
        import sys
        def build_wheel(*_, **__):
            for mode in ("r", "a"):
                try:
                    open({str(secret)!r}, mode)
                except OSError as error:
                    print(mode, "refused:", error.errno, file=sys.stderr)
                else:
                    print(mode, "opened", file=sys.stderr)
            raise SystemExit(1)
        """,
    )
    with pytest.raises(EnvironmentBroken) as caught:
        await environments.ensure(requirement, "acme", lambda _: None)
    assert "r refused: 13" in caught.value.log
    assert "a refused: 13" in caught.value.log
    assert "opened" not in caught.value.log


async def test_a_run_uses_its_environment(bench: Bench, environments: Environments) -> None:
    python = await environments.ensure("tiny-of-ours", "acme", lambda _: None)
    code = """
        import os, tiny_of_ours
        from puras import log
        def run():
            log("both are here")
            folder = os.path.dirname(tiny_of_ours.__file__)
            return {"name": tiny_of_ours.NAME, "writable": os.access(folder, os.W_OK)}
    """
    assert (await bench.result(code, python=python))["name"] == "tiny"
    assert bench.host.logged() == ["both are here"]
    assert not stat.S_IMODE(python.parent.stat().st_mode) & stat.S_IWUSR


async def test_a_run_does_not_see_the_server_s_packages(
    bench: Bench, environments: Environments
) -> None:
    python = await environments.ensure("", "acme", lambda _: None)
    failure = await bench.failure("import starlette\ndef run(): pass", python=python)
    assert "No module named 'starlette'" in failure.error

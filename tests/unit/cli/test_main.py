"""The root command: help, near names, lazy loading, exit codes of the command line itself."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from puras.cli.command import Command, NearNames
from puras.cli.main import COMMANDS, cli

from .conftest import Run
from .loopback import Loopback


def every_command() -> dict[str, click.Command]:
    """Each command by what is typed to reach it."""
    found: dict[str, click.Command] = {}

    def visit(group: click.Group, prefix: str) -> None:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            found[f"{prefix} {name}"] = command
            if isinstance(command, click.Group):
                visit(command, f"{prefix} {name}")

    visit(cli, "puras")
    return found


def test_help_lists_every_command_under_a_heading(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout
    assert [part for part in ("Account:", "Build:", "Run:", "Operate:") if part in result.stdout]


@pytest.mark.parametrize("path", [path for path in every_command() if path.count(" ") == 1])
def test_every_commands_help_teaches_with_an_example(path: str) -> None:
    text = every_command()[path].help or ""
    assert f"  {path}" in text or "Example" in text, path


@pytest.mark.parametrize(
    "command", [c for c in every_command().values() if not isinstance(c, click.Group)]
)
def test_every_command_takes_output(command: click.Command) -> None:
    assert isinstance(command, Command)
    assert "--output" in {name for option in command.params for name in option.opts}


@pytest.mark.parametrize(
    "group", [c for c in every_command().values() if isinstance(c, click.Group)]
)
def test_every_group_names_the_nearest_command(group: click.Group) -> None:
    assert isinstance(group, NearNames)


def test_a_mistyped_command_names_the_nearest(run: Run) -> None:
    result = run("deplyo")
    assert result.exit_code == 2
    assert "there is no command 'deplyo'; did you mean deploy" in result.stderr
    assert "did you mean update?" in run("keys", "updaet").stderr


@pytest.mark.parametrize(
    ("said", "meant"),
    [(["keys", "create"], "mint"), (["keys", "rm"], "revoke"), (["secrets", "delete"], "rm")],
)
def test_a_word_of_other_programs_leads_to_ours(run: Run, said: list[str], meant: str) -> None:
    result = run(*said)
    assert result.exit_code == 2
    assert f"did you mean {meant}?" in result.stderr


def test_a_command_that_is_like_no_other_names_none(run: Run) -> None:
    result = run("xyzzy")
    assert result.exit_code == 2
    assert "did you mean" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["logs"], ["jobs", "--limit", "0"], ["jobs", "--output", "xml"], ["--no"]],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(
    run: Run, arguments: list[str]
) -> None:
    assert run(*arguments).exit_code == 2


def test_the_version_is_that_of_the_package(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version").stdout == f"puras {version('puras')}\n"


def test_an_unexpected_error_keeps_its_traceback(puras: Run, server: Loopback) -> None:
    server.add_skillpack("a")
    del server.skillpacks[0]["public"]
    with pytest.raises(KeyError):
        puras("skillpacks")


def test_help_loads_neither_http_nor_yaml_nor_rich_nor_the_server() -> None:
    program = (
        "import sys\n"
        "from puras.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "heavy = {'httpx2', 'yaml', 'rich', 'asyncio', 'ssl', 'puras.server', 'puras.client'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == "[]\n"
    assert "Usage:" in done.stdout


def test_a_command_in_a_pipe_does_not_load_rich(server: Loopback) -> None:
    program = (
        "import sys\n"
        "from puras.cli.main import cli\n"
        "cli(['whoami'], standalone_mode=False)\n"
        "print('rich' in sys.modules, file=sys.stderr)\n"
    )
    from .loopback import KEY

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PURAS_API_BASE": server.base, "PURAS_API_KEY": KEY, "HOME": "/nonexistent"},
    )
    assert (done.returncode, done.stderr) == (0, "False\n")

"""The root command: finds commands without importing them all, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, Final

import click

from puras.cli import output
from puras.cli.command import NearNames
from puras.cli.failures import INTERRUPTED, Failure, describe

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Account": {
        "login": "account:login",
        "logout": "account:logout",
        "whoami": "account:whoami",
        "keys": "keys:keys",
        "budgets": "budgets:budgets",
    },
    "Build": {
        "init": "init:init",
        "deploy": "deploy:deploy",
        "deployments": "deployments:deployments",
        "activate": "deployments:activate",
        "pull": "pull:pull",
        "skillpacks": "skillpacks:skillpacks",
        "secrets": "secrets:secrets",
        "models": "models:models",
        "types": "types:types",
    },
    "Run": {
        "run": "run:run",
        "jobs": "jobs:jobs",
        "logs": "jobs:logs",
        "spans": "spans:spans",
        "cancel": "jobs:cancel",
        "approvals": "approvals:approvals",
        "approve": "approvals:approve",
        "deny": "approvals:deny",
        "replay": "replay:replay",
        "feedback": "jobs:feedback",
        "eval": "evals:evaluate",
        "eval-report": "evals:report",
        "eval-diff": "evals:diff",
    },
    "Operate": {
        "serve": "serve:serve",
        "worker": "worker:worker",
        "admin": "admin:admin",
        "demo": "demo:demo",
    },
}
"""Every command: the heading it stands under, and the module and name it is loaded from."""

COMMANDS: Final = {name: where for part in SECTIONS.values() for name, where in part.items()}


class Root(NearNames):
    """Loads a command when it is called for, so that `puras` starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(f"puras.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, self._short_help(ctx, name)) for name in names])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            _tell(Failure("interrupted", INTERRUPTED, code="interrupted"))
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Exception as error:
            failure = describe(error)
            if failure is None:
                raise
            _tell(failure)
            raise click.exceptions.Exit(failure.exit_code) from None

    def _short_help(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=80) if command else ""


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="puras", message="puras %(version)s")
def cli() -> None:
    """Deploy a folder as a skill, call it from anywhere as a job.

    \b
    First steps:
      puras serve                        start a server here (needs puras[server])
      puras init my-skills               make a bundle with one skill
      puras deploy my-skills             make it callable
      puras run my-skills/hello -i name=Ada
    """


def main() -> None:
    cli(prog_name="puras")


def _tell(failure: Failure) -> None:
    if output.is_json():
        import json

        click.echo(json.dumps(failure.document(), indent=2, ensure_ascii=False), err=True)
    else:
        click.echo(output.printable(failure.text()), err=True)
    sys.stderr.flush()


if __name__ == "__main__":
    main()

"""`puras eval`, `eval-report`, `eval-diff`: how good a skill is, by its cases and graders."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from puras import skill_path
from puras.cli import eval_tables, output
from puras.cli.command import Command
from puras.cli.connection import connect, connect_to
from puras.cli.failures import INTERRUPTED, CommandFailed
from puras.cli.local import SKILLPACK, local_server
from puras.cli.options import skillpack_option
from puras.cli.project import skillpack_here
from puras.wire import EvalCreate, EvalReport

if TYPE_CHECKING:
    from puras.cli.api import Api

_OVER: Final = frozenset({"completed", "cancelled"})
_POLL_SECONDS: Final = 1.0


@click.command("eval", cls=Command)
@click.argument("skill")
@skillpack_option
@click.option("--version", type=click.IntRange(1), help="Of this version, not the active one.")
@click.option("--repeat", type=click.IntRange(1), metavar="N", help="Run each case N times.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Which share of the runs has to pass, 0 to 1; below it the command fails.",
)
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only this case; repeatable.")
@click.option("--async", "detached", is_flag=True, help="Start, print the suite's id, do not wait.")
@click.option("--local", is_flag=True, help="Run it here, on a server for this one suite.")
@click.option(
    "--dir",
    "folder",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --local: the bundle. Default: this folder.",
)
@click.option(
    "--model", metavar="SLUG", help="With --local: the model of agentic skills that name none."
)
def evaluate(
    skill: str,
    skillpack: str | None,
    version: int | None,
    repeat: int | None,
    threshold: float | None,
    cases: tuple[str, ...],
    detached: bool,
    local: bool,
    folder: Path,
    model: str | None,
) -> None:
    """Run a skill on the cases of its evals and show how it fared.

    SKILL is `skill` or `skillpack/skill`. The exit code is 1 when fewer runs pass than the
    threshold asks for, so that a pipeline stops there. Ctrl-C stops watching; the suite goes on.

    \b
    Examples:
      puras eval triage/ticket
      puras eval triage/ticket --threshold 0.9 --repeat 3
      puras eval ticket --local --dir triage --case charged-twice
    """
    if local and (detached or version or skillpack):
        raise click.UsageError("--local goes with neither --async, --version nor --skillpack")
    if model and not local:
        raise click.UsageError("--model needs --local: what is deployed names its own model")
    body: EvalCreate = {"skill": skill_path.parse(skill).skill}
    if version is not None:
        body["version"] = version
    if repeat is not None:
        body["repeat"] = repeat
    if threshold is not None:
        body["threshold"] = threshold
    if cases:
        body["case_ids"] = list(cases)
    with _opened(skill, skillpack, bundle=folder if local else None, model=model) as (api, pack):
        begun = api.start_evals(pack, body)
        if detached:
            output.show(begun, lambda: click.echo(begun["id"]))
            return
        report = _watch(api, begun, goes_on=not local)
    _show(report)
    _raise_unless_passed(report, goes_on=not local)


@click.command("eval-report", cls=Command)
@click.argument("suite_id", metavar="[ID]", required=False)
@skillpack_option
@click.option("--cancel", is_flag=True, help="Cancel what of it is not over, then show it.")
def report(suite_id: str | None, skillpack: str | None, cancel: bool) -> None:
    """Show a suite of evals as it stands; without ID, list those of the skillpack.

    The exit code is 1 for a suite that did not pass.

    \b
    Examples:
      puras eval-report 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
      puras eval-report --skillpack triage
    """
    if suite_id is None:
        if cancel:
            raise click.UsageError("--cancel needs the ID of a suite")
        with connect() as api:
            suites = api.list_evals(skillpack_here(skillpack))
        output.show(suites, lambda: eval_tables.draw_suites(suites))
        return
    with connect() as api:
        found = api.cancel_evals(suite_id) if cancel else api.evals(suite_id)
    _show(found)
    if not cancel:
        _raise_unless_passed(found)


@click.command("eval-diff", cls=Command)
@click.argument("skill")
@click.argument("base")
@click.argument("head")
@skillpack_option
def diff(skill: str, base: str, head: str, skillpack: str | None) -> None:
    """Compare two suites of a skill: what got better, and what got worse.

    BASE and HEAD are ids of suites, or versions: then the newest suite of that version counts.

    \b
    Examples:
      puras eval-diff triage/ticket 3 4
      puras eval-diff ticket 3 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --skillpack triage
    """
    path = skill_path.parse(skill)
    with connect() as api:
        pack = path.skillpack or skillpack_here(skillpack)
        found = api.diff_evals(pack, path.skill, base=base, head=head)
    output.show(found, lambda: eval_tables.draw_diff(found))


@contextmanager
def _opened(
    skill: str, skillpack: str | None, *, bundle: Path | None, model: str | None
) -> Iterator[tuple[Api, str]]:
    """Connect to where the skill is; gives the skillpack that it is in."""
    if bundle is None:
        pack = skill_path.parse(skill).skillpack or skillpack_here(skillpack)
        with connect() as api:
            yield api, pack
    else:
        with local_server(bundle, model=model) as server, connect_to(server.login) as api:
            yield api, SKILLPACK


def _watch(api: Api, begun: EvalReport, *, goes_on: bool) -> EvalReport:
    """Tell how far a suite has come until it is over, and return it."""
    output.note(f"Suite {begun['id']}: {begun['total_runs']} runs")
    try:
        found, told = begun, 0
        while found["status"] not in _OVER:
            time.sleep(_POLL_SECONDS)
            found = api.evals(begun["id"])
            if found["completed_runs"] != told and found["status"] not in _OVER:
                told = found["completed_runs"]
                _tell_progress(found)
        return found
    except KeyboardInterrupt:
        fate = "goes on" if goes_on else "ends with its server"
        look = f"look at it: puras eval-report {begun['id']}"
        raise CommandFailed(
            f"interrupted; the suite {begun['id']} {fate}",
            exit_code=INTERRUPTED,
            code="interrupted",
            next_step=f"{look}, or stop it with --cancel" if goes_on else None,
        ) from None


def _tell_progress(found: EvalReport) -> None:
    text = f"{found['completed_runs']} of {found['total_runs']} runs are over, "
    text += f"{found['pass_rate_pct']:.0f} % passed"
    if sys.stderr.isatty() and not output.is_json():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
    else:
        output.note(text)


def _show(found: EvalReport) -> None:
    if sys.stderr.isatty() and not output.is_json():
        click.echo("\r\x1b[K", nl=False, err=True)
    output.show(found, lambda: eval_tables.draw_report(found))
    if drafted := eval_tables.drafted(found):
        output.note(
            f"Nothing judged {', '.join(drafted)}: scores of local/draft are made up. See "
            "`puras models` for one that can judge."
        )


def _raise_unless_passed(found: EvalReport, *, goes_on: bool = True) -> None:
    if found["gate_passed"] is False:
        if found["status"] == "cancelled":
            raise CommandFailed("the suite was cancelled", code="cancelled")
        raise CommandFailed(
            f"{found['pass_rate_pct']:.1f} % of the runs passed, and "
            f"{100 * found['threshold']:g} % have to",
            code="gate_failed",
            next_step=f"read the reasons: puras eval-report {found['id']} --output json"
            if goes_on
            else "read the reasons with --output json",
        )

"""Budgets: what a workspace, a skillpack or one skill may spend in a window."""

from __future__ import annotations

from typing import Any, Final

import click

from puras.cli import output
from puras.cli.command import Group
from puras.cli.connection import connect
from puras.wire import Budget, BudgetCreate, BudgetPatch

_WINDOWS: Final = click.Choice(["day", "month", "rolling30", "total"])


@click.group(cls=Group)
def budgets() -> None:
    """List, make, change and delete budgets. Days and months are those of UTC.

    \b
    Examples:
      puras budgets
      puras budgets create --window month --limit 50 --alert 80
      puras budgets create --window day --limit 5 --skillpack my-skills --skill report
    """


@budgets.command("list")
def list_budgets() -> None:
    """List the workspace's budgets, with what is spent of them."""
    with connect() as api:
        found = api.list_budgets()
    output.show(
        found,
        lambda: output.table(
            ["ID", "FOR", "WINDOW", "SPENT", "LIMIT", "ALERT AT", "ALERTED", "STATE"],
            [list(_described(budget).values()) for budget in found],
            empty="No budgets. Make one: puras budgets create --window month --limit 50",
        ),
    )


@budgets.command()
@click.option("--window", type=_WINDOWS, required=True, help="What time the limit is for.")
@click.option("--limit", type=float, required=True, metavar="USD", help="Most to spend in it.")
@click.option("--skillpack", "--app", "skillpack", metavar="REF", help="For this skillpack only.")
@click.option("--skill", metavar="NAME", help="With --skillpack: for this skill only.")
@click.option("--alert", type=click.IntRange(1, 100), metavar="PERCENT", help="When to warn.")
@click.option("--enforce/--only-alert", default=True, help="Whether to refuse what is beyond it.")
def create(
    window: str,
    limit: float,
    skillpack: str | None,
    skill: str | None,
    alert: int | None,
    enforce: bool,
) -> None:
    """Make a budget, of the whole workspace unless --skillpack is given.

    \b
    Example:
      puras budgets create --window month --limit 50 --alert 80
    """
    if skill is not None and skillpack is None:
        raise click.UsageError("--skill goes with --skillpack")
    body: BudgetCreate = {
        "scope": "workspace" if skillpack is None else "skillpack",
        "window": window,  # type: ignore[typeddict-item]
        "limit_usd": limit,
        "enforce": enforce,
    }
    if skillpack is not None:
        body["skillpack"] = skillpack
    if skill is not None:
        body["skill_name"] = skill
    if alert is not None:
        body["alert_pct"] = alert
    with connect() as api:
        _show(api.create_budget(body))


@budgets.command()
@click.argument("budget_id", metavar="ID")
@click.option("--window", type=_WINDOWS, help="Another window.")
@click.option("--limit", type=float, metavar="USD", help="Another limit.")
@click.option("--alert", type=click.IntRange(1, 100), metavar="PERCENT", help="When to warn.")
@click.option("--no-alert", is_flag=True, help="Never warn.")
@click.option("--enforce/--only-alert", default=None, help="Whether to refuse what is beyond it.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it counts at all.")
def update(
    budget_id: str,
    window: str | None,
    limit: float | None,
    alert: int | None,
    no_alert: bool,
    enforce: bool | None,
    enabled: bool | None,
) -> None:
    """Change a budget; what you do not name stays.

    \b
    Example:
      puras budgets update 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --limit 100
    """
    given: dict[str, Any] = {
        "window": window,
        "limit_usd": limit,
        "alert_pct": alert,
        "enforce": enforce,
        "enabled": enabled,
    }
    changes: BudgetPatch = {}
    changes.update({name: value for name, value in given.items() if value is not None})  # type: ignore[typeddict-item]
    if no_alert:
        changes["alert_pct"] = None
    if not changes:
        raise click.UsageError("nothing to change: see puras budgets update --help")
    with connect() as api:
        _show(api.update_budget(budget_id, changes))


@budgets.command()
@click.argument("budget_id", metavar="ID")
def delete(budget_id: str) -> None:
    """Delete a budget.

    \b
    Example:
      puras budgets delete 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """
    with connect() as api:
        api.delete_budget(budget_id)
    output.show({"deleted": budget_id}, lambda: click.echo(f"Deleted {budget_id}."))


def _show(budget: Budget) -> None:
    output.show(budget, lambda: output.fields(_described(budget)))


def _described(budget: Budget) -> dict[str, Any]:
    whose = "/".join(filter(None, (budget["skillpack"], budget["skill_name"])))
    state = "enforced" if budget["enforce"] else "alerts only"
    return {
        "id": budget["id"],
        "for": whose or "workspace",
        "window": budget["window"],
        "spent": output.usd(budget["spent_micros"]),
        "limit": f"${budget['limit_usd']:,.2f}",
        "alert at": None if budget["alert_pct"] is None else f"{budget['alert_pct']} %",
        "alerted": output.moment(budget["alerted_at"]),
        "state": state if budget["enabled"] else "off",
    }

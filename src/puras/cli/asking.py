"""Asks the person at the terminal what an agent asks: may it use this tool?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from puras.cli import output
from puras.errors import ConflictError, PermissionDeniedError

if TYPE_CHECKING:
    from puras.cli.api import Api
    from puras.cli.live import View
    from puras.wire import Approval


def ask_if_asked(api: Api, view: View, event: Mapping[str, Any]) -> None:
    """Put an `approval_required` to whoever sits here, and send the answer.

    Elsewhere than on a terminal, or where somebody has answered by now, nothing happens.
    """
    if event["type"] != "approval_required" or not (view.can_pause and sys.stdin.isatty()):
        return
    approval = _pending(api, event)
    if approval is None:
        return
    with view.paused():
        try:
            yes = click.confirm(_question(approval), default=None, err=True)
        except click.Abort:
            raise KeyboardInterrupt from None
    try:
        api.decide(approval["id"], "approved" if yes else "denied")
    except ConflictError as error:
        output.note(error.detail)


def _pending(api: Api, event: Mapping[str, Any]) -> Approval | None:
    wanted = event["payload"].get("approval_id")
    try:
        found = api.list_approvals(event["job_id"])
    except PermissionDeniedError:
        return None  # a publishable key watches; somebody else has to answer
    return next((a for a in found if a["id"] == wanted and a["status"] == "pending"), None)


def _question(approval: Approval) -> str:
    asked = output.compact(approval["tool_input"])
    return output.printable(f"May it use {approval['tool_name']} with {asked}?")

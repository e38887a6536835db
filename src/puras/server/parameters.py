"""Reads query parameters, and writes lists page by page: the rules that all routes share.

A parameter that is not known is ignored; one that is known and makes no sense is 422.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from puras.server.endpoint import Call, Reply
from puras.server.refusals import Refused
from puras.skill_path import is_uuid
from puras.wire import MAX_LIST_PAGE, MAX_WAIT_SECONDS

_DECIMAL = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_YES = {"1", "true", "yes"}


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` things, older than the one with the id `before` (None: from the newest)."""

    limit: int
    before: str | None = None


def bad_parameter(name: str, message: str) -> Refused:
    """Make the refusal of one query parameter."""
    return Refused(
        "invalid_request",
        f"the query parameter `{name}` {message}",
        errors=[{"path": f"?{name}", "message": message}],
    )


def flag(call: Call, name: str) -> bool:
    """Tell whether a parameter says yes: `1`, `true` or `yes`; anything else is no."""
    return call.query.get(name, "").strip().lower() in _YES


def seconds(call: Call, name: str, *, default: float = 0.0) -> float:
    """Read decimal seconds; more than 60 counts as 60. Raises Refused (`invalid_request`)."""
    text = call.query.get(name, "").strip()
    if not text:
        return default
    if not _DECIMAL.fullmatch(text):
        raise bad_parameter(name, "must be a decimal number of seconds, 0 or more")
    return min(float(text), MAX_WAIT_SECONDS)


def wait_seconds(call: Call) -> float:
    """Read `?wait=S`: how long an answer may be held, 0 where it is not given."""
    return seconds(call, "wait")


def submit_wait_seconds(call: Call) -> float:
    """Read `?wait=true&timeout=S` of a submit: 0 without `wait`, 60 without `timeout`."""
    held = seconds(call, "timeout", default=MAX_WAIT_SECONDS)
    return held if flag(call, "wait") else 0.0


def integer(call: Call, name: str, *, default: int, least: int = 0, most: int) -> int:
    """Read a whole number; more than `most` counts as `most`. Raises Refused for the rest."""
    text = call.query.get(name, "").strip()
    if not text:
        return default
    if not _WHOLE.fullmatch(text) or int(text) < least:
        raise bad_parameter(name, f"must be a whole number, {least} or more")
    return min(int(text), most)


def whole_or_none(call: Call, name: str, *, least: int = 1) -> int | None:
    """Read a whole number that may be left out, such as `?version=3`."""
    if not call.query.get(name, "").strip():
        return None
    return integer(call, name, default=least, least=least, most=10**18)


def page(call: Call) -> Page:
    """Read `?limit=` (50; more than 200 counts as 200) and `?before=<id>`."""
    limit = integer(call, "limit", default=50, least=1, most=MAX_LIST_PAGE)
    before = call.query.get("before", "").strip().lower() or None
    if before is not None and not is_uuid(before):
        raise bad_parameter("before", "must be the id of the last thing on the page before")
    return Page(limit, before)


def page_reply(
    call: Call,
    found: Sequence[Mapping[str, Any]],
    *,
    limit: int,
    cursor: str = "before",
    name: str = "id",
) -> Reply:
    """Answer with one page. Pass what was found for `limit + 1`: the one too many is not shown,
    it tells that more follow, and `Link` then says where: `?<cursor>=<last thing's name>`."""
    shown = list(found[:limit])
    if len(found) <= limit:
        return Reply(shown)
    query = {**call.query, "limit": str(limit), cursor: str(shown[-1][name])}
    url = f"{call.platform.settings.public_url}{call.request.scope['path']}?{urlencode(query)}"
    return Reply(shown, headers={"Link": f'<{url}>; rel="next"'})

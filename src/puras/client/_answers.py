"""What the SDK receives: an answer becomes a job, a page of events or an error. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

from puras.client._core import Request
from puras.client._models import JobEvent
from puras.errors import PurasAPIError, PurasConnectionError, api_error_class

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_LONGEST_QUOTE = 200


class Answer(NamedTuple):
    """An HTTP answer, read to its end. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip()

    @property
    def fields(self) -> dict[str, Any]:
        """The body's JSON object, or an empty one where the body is anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def code(self) -> str | None:
        code = self.fields.get("code")
        return code if isinstance(code, str) else None


class Failure(NamedTuple):
    """No answer came. `reached` tells whether the server may have taken the request."""

    reason: str
    reached: bool
    timed_out: bool = False
    cause: Exception | None = None


def parse_object(answer: Answer, request: Request) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        PurasConnectionError: the body is something else, so this is not the API that answers.
    """
    value = _parse(answer, request)
    if not isinstance(value, dict):
        raise _not_the_api(answer, request)
    return value


def parse_events(answer: Answer, request: Request) -> list[JobEvent]:
    """Read a page of events. Raises PurasConnectionError as `parse_object` does."""
    value = _parse(answer, request)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise _not_the_api(answer, request)
    return [JobEvent(entry) for entry in value]


def api_error(answer: Answer) -> PurasAPIError:
    """Turn a refusal into its exception, with something useful to read in every case."""
    fields = answer.fields
    request_id = fields.get("request_id") or answer.headers.get("x-request-id")
    faults = fields.get("errors")
    return api_error_class(answer.status)(
        answer.status,
        _detail(answer, fields),
        answer.code,
        request_id if isinstance(request_id, str) else None,
        errors=[f for f in faults if isinstance(f, dict)] if isinstance(faults, list) else (),
    )


def _parse(answer: Answer, request: Request) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        raise _not_the_api(answer, request) from None


def _not_the_api(answer: Answer, request: Request) -> PurasConnectionError:
    return PurasConnectionError(
        f"{request.method} {request.path} was answered {answer.status} with "
        f"{_describe(answer)} instead of the JSON expected: is api_base right?"
    )


def _detail(answer: Answer, fields: Mapping[str, Any]) -> str:
    for name in ("detail", "message"):
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if value and not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "elsewhere")
        return f"the server redirects to {target}: set api_base to the API's own address"
    return f"the server answered {_phrase(answer.status)} with {_describe(answer)}"


def _phrase(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _describe(answer: Answer) -> str:
    text = answer.text
    if not text:
        return "an empty body"
    if text.startswith("<") or "html" in answer.headers.get("content-type", ""):
        title = _TITLE.search(text)
        named = f" titled {_quote(title[1])}" if title and title[1].strip() else ""
        return f"an HTML page{named}"
    return f"the body {_quote(text)}"


def _quote(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= _LONGEST_QUOTE else flat[:_LONGEST_QUOTE] + "…")

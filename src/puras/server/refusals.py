"""How domain code says no: it raises `Refused`; `http` alone turns that into an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from puras.errors import CODES
from puras.wire import Fault


class Refused(Exception):
    """A request, or a call of a run, that can't be had. `code` is one of `puras.errors.CODES`.

    `detail` is one sentence that says what to do next, `errors` the single faults where there are
    several, `retry_after` the seconds after which the same request may succeed, `headers` what else
    the answer's head has to say.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.status = CODES[code].status
        self.detail = detail
        self.errors = list(errors)
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

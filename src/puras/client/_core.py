"""What the SDK sends: the client's configuration and every request, as frozen values. No I/O.

Values of the client are named tuples: dataclasses would take a quarter of the time of its import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from puras import skill_path
from puras.errors import MissingKeyError, SkillPathError
from puras.wire import MAX_WAIT_SECONDS

if TYPE_CHECKING:
    from puras.client._files import Source

DEFAULT_API_BASE: Final = "https://api.puras.co"
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Policy(NamedTuple):
    """Timings and limits that are not the caller's business. Seconds, unless the name says more."""

    first_backoff: float = 0.5
    longest_backoff: float = 8.0
    longest_retry_after: float = 60.0
    stream_silence: float = 45.0
    drops_before_polling: int = 5
    empty_pages_before_get: int = 3
    events_per_page: int = 1000
    submit_poll_interval: float = 2.0
    hold_margin: float = 10.0


class Config:
    """Where to and as whom: settled once, when the client is made. Shown without the key."""

    __slots__ = ("api_base", "api_key", "max_retries", "skillpack", "timeout")

    def __init__(
        self, api_key: str, api_base: str, skillpack: str | None, timeout: float, max_retries: int
    ) -> None:
        self.api_key = api_key
        self.api_base = api_base
        self.skillpack = skillpack
        self.timeout = timeout
        self.max_retries = max_retries

    def __repr__(self) -> str:
        return f"Config(api_base={self.api_base!r}, skillpack={self.skillpack!r})"


class Request(NamedTuple):
    """One call of the API.

    `timeout` is in seconds. `idempotency_key` marks a call whose repetition would have a second
    effect; `source` is the file of an upload.
    """

    method: str
    path: str
    timeout: float
    query: Mapping[str, str] = _NOTHING
    headers: Mapping[str, str] = _NOTHING
    json: Any = None
    idempotency_key: str | None = None
    source: Source | None = None

    @property
    def repeatable(self) -> bool:
        return self.source is None or self.source.rewindable


def configure(
    api_key: str | None,
    skillpack: str | None,
    *,
    api_base: str | None,
    timeout: float,
    max_retries: int,
) -> Config:
    """Settle a client's configuration: argument, else environment, else default.

    Raises:
        MissingKeyError: no key was passed and `PURAS_API_KEY` is not set.
        ValueError: the API base is no http or https URL.
    """
    key = (api_key or os.environ.get("PURAS_API_KEY") or "").strip()
    if not key:
        raise MissingKeyError("no API key: pass api_key=… or set PURAS_API_KEY")
    base = (api_base or os.environ.get("PURAS_API_BASE") or DEFAULT_API_BASE).strip().rstrip("/")
    if not base.lower().startswith(("http://", "https://")):
        raise ValueError(f"api_base {base!r} must begin with http:// or https://")
    return Config(key, base, skillpack, timeout, max_retries)


def new_idempotency_key() -> str:
    return os.urandom(16).hex()


def submit(
    config: Config,
    skill: str,
    *,
    inputs: Mapping[str, Any] | None,
    skillpack: str | None,
    version: int | None,
    hold: float | None,
    policy: Policy,
    idempotency_key: str | None,
) -> Request:
    """Build `POST /v1/jobs`; `hold` is how long the server shall wait for the job, None: not.

    Raises:
        SkillPathError: the path can't be read, or nothing names a skillpack.
    """
    path = skill_path.parse(skill, skillpack or config.skillpack)
    if path.skillpack is None:
        raise SkillPathError(
            f"no skillpack for {skill!r}: write `skillpack/{path.skill}`, or pass skillpack=… "
            "here or to the client"
        )
    query = skill_path.skillpack_query(path.skillpack)
    if version is not None:
        query["version"] = str(version)
    if hold is not None:
        hold = max(0.0, min(hold, MAX_WAIT_SECONDS))
        query |= {"wait": "true", "timeout": _decimal(hold)}
    return Request(
        "POST",
        "/v1/jobs",
        _timeout(config, hold or 0.0, policy),
        query=query,
        json={"skill": path.skill, "inputs": dict(inputs or {})},
        idempotency_key=idempotency_key or new_idempotency_key(),
    )


def get_job(config: Config, job_id: str, *, hold: float, policy: Policy) -> Request:
    """Build `GET /v1/jobs/{id}`, held by the server up to `hold` seconds."""
    query = {"wait": _decimal(hold)} if hold >= 0.001 else {}
    return Request("GET", job_path(job_id), _timeout(config, hold, policy), query=query)


def cancel_job(config: Config, job_id: str) -> Request:
    return Request("POST", job_path(job_id, "cancel"), config.timeout)


def give_feedback(
    config: Config, job_id: str, *, rating: int, comment: str | None, end_user_id: str | None
) -> Request:
    body = {"rating": rating, "comment": comment, "end_user_id": end_user_id}
    sent = {name: value for name, value in body.items() if value is not None}
    return Request("POST", job_path(job_id, "feedback"), config.timeout, json=sent)


def events_page(config: Config, job_id: str, *, after_id: int, limit: int) -> Request:
    query = {"after": str(after_id), "limit": str(limit)}
    return Request("GET", job_path(job_id, "events"), config.timeout, query=query)


def stream(config: Config, job_id: str, *, after_id: int) -> Request:
    """Build the request for a job's event stream, or for what follows `after_id` of it."""
    query = {"after": str(after_id)} if after_id > 0 else {}
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
    if after_id > 0:
        headers["Last-Event-ID"] = str(after_id)
    path = job_path(job_id, "stream")
    return Request("GET", path, config.timeout, query=query, headers=headers)


def upload(config: Config, source: Source) -> Request:
    """Build a multipart upload. Its boundary is fixed, so that a repeat has the same bytes."""
    key = new_idempotency_key()
    headers = {"Content-Type": f"multipart/form-data; boundary={key}"}
    return Request(
        "POST",
        "/v1/drive/upload",
        config.timeout,
        headers=headers,
        idempotency_key=key,
        source=source,
    )


def health(config: Config) -> Request:
    return Request("GET", "/health", config.timeout)


def job_path(job_id: str, verb: str = "") -> str:
    """Write a job's path. Raises ValueError for an empty id, which would name another route."""
    if not job_id:
        raise ValueError("the job id is empty")
    path = f"/v1/jobs/{quote(job_id, safe='')}"
    return f"{path}/{verb}" if verb else path


def _timeout(config: Config, hold: float, policy: Policy) -> float:
    """A request that the server holds may take longer than the caller's limit."""
    return max(config.timeout, hold + policy.hold_margin) if hold > 0 else config.timeout


def _decimal(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")

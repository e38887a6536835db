"""The SDK's client, and besides it the calls that manage a workspace.

Requests, retries, answers and errors are the SDK's; this only knows more paths.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, cast
from urllib.parse import quote

from puras import wire
from puras.client import _answers, _transport
from puras.client._core import Request, new_idempotency_key
from puras.client._follow import Follow
from puras.client._models import Job, JobEvent
from puras.client._sync import Puras
from puras.errors import PurasConnectionError
from puras.skill_path import skillpack_query

_DEPLOY_SECONDS: Final = 600.0
"""The server unpacks and checks a bundle before it answers."""


class StillRunning(Exception):
    """The deadline came before the job's end."""


class Api(Puras):
    """What the CLI does on a server."""

    def balance(self) -> wire.Balance:
        return cast("wire.Balance", self._object("GET", "/v1/billing/balance"))

    def sign(self, path: str) -> wire.Signed:
        return cast("wire.Signed", self._object("POST", "/v1/drive/sign", {"path": path}))

    def list_skillpacks(self) -> list[wire.Skillpack]:
        return cast("list[wire.Skillpack]", self._list("/v1/skillpacks"))

    def skillpack(self, reference: str) -> wire.Skillpack:
        return cast("wire.Skillpack", self._object("GET", _skillpack_path(reference)))

    def create_skillpack(self, body: wire.SkillpackCreate) -> wire.Skillpack:
        return cast("wire.Skillpack", self._object("POST", "/v1/skillpacks", body))

    def update_skillpack(self, reference: str, body: wire.SkillpackPatch) -> wire.Skillpack:
        return cast("wire.Skillpack", self._object("PATCH", _skillpack_path(reference), body))

    def delete_skillpack(self, reference: str) -> None:
        self._call(self._request("DELETE", _skillpack_path(reference)))

    def list_deployments(self, reference: str) -> list[wire.Deployment]:
        """Return every version, newest first."""
        return cast("list[wire.Deployment]", self._list(_deployments_path(reference)))

    def activate(self, reference: str, deployment_id: str) -> wire.Deployment:
        path = _deployments_path(reference, f"{quote(deployment_id, safe='')}/activate")
        return cast("wire.Deployment", self._object("POST", path))

    def delete_deployment(self, reference: str, deployment_id: str) -> None:
        path = _deployments_path(reference, quote(deployment_id, safe=""))
        self._call(self._request("DELETE", path))

    def deploy(
        self,
        reference: str,
        archive: Path,
        *,
        activate: bool,
        notes: str | None,
        advance: Callable[[int], None],
    ) -> wire.Deployment:
        """Upload a bundle; `advance` is told how many bytes more are on their way.

        Tried once: a version too many is no harm, but a surprise.
        """
        request = Request("POST", _deployments_path(reference), _DEPLOY_SECONDS)
        fields = {"activate": "true" if activate else "false"} | ({"notes": notes} if notes else {})
        with _Counted(archive, advance) as bundle:
            answer = self._post_multipart(request, fields, file=bundle)
        if not answer.ok:
            raise _answers.api_error(answer)
        return cast("wire.Deployment", _answers.parse_object(answer, request))

    def pull(self, reference: str, *, version: int | None) -> wire.Pulled:
        """Return where to `download` a version's bundle from."""
        query = {} if version is None else {"version": str(version)}
        request = self._request("GET", _deployments_path(reference, "pull"), **query)
        return cast("wire.Pulled", self._call_for_object(request))

    def download(self, url: str, target: Path) -> None:
        """Fetch a URL that needs no key into a file, as large as a bundle may be."""
        try:
            with (
                self._http().stream("GET", url, timeout=self._config.timeout) as response,
                target.open("wb") as file,
            ):
                if response.status_code != 200:
                    response.read()
                    raise _answers.api_error(_transport.answer_of(response, response.content))
                for chunk in response.iter_bytes():
                    if file.tell() + len(chunk) > wire.MAX_BUNDLE_BYTES:
                        raise PurasConnectionError("what the server sent is larger than a bundle")
                    file.write(chunk)
        except _transport.errors() as error:
            reason = _transport.failure_of(error).reason
            raise PurasConnectionError(f"the download broke: {reason}") from error

    def skill_card(self, path: str) -> wire.SkillCard:
        """Return what a skill says of itself; `path` is `workspace/skillpack/skill`."""
        return cast("wire.SkillCard", self._object("GET", f"/v1/skills/{quote(path)}"))

    def list_secrets(self, reference: str) -> list[wire.Secret]:
        path = _secrets_path(reference)
        answer = self._call(self._request("GET", path))
        return cast("list[wire.Secret]", _parse_list(answer, path))

    def set_secret(self, reference: str, body: wire.SecretBody) -> wire.Secret:
        return cast("wire.Secret", self._object("PUT", _secrets_path(reference), body))

    def delete_secret(self, reference: str, name: str) -> None:
        self._call(self._request("DELETE", _secrets_path(reference, name)))

    def list_jobs(self, query: Mapping[str, str | None], *, limit: int) -> list[wire.Job]:
        """Return the newest jobs that fit, at most `limit`."""
        return cast("list[wire.Job]", self._list("/v1/jobs", query, most=limit))

    def submit_prompt(
        self,
        prompt: str,
        inputs: Mapping[str, Any],
        *,
        skillpack: str | None,
        version: int | None = None,
    ) -> Job:
        """Submit a one-off agent, which is no skill of any skillpack."""
        query = skillpack_query(skillpack) if skillpack else {}
        query |= {} if version is None else {"version": str(version)}
        body = {"prompt": prompt, "inputs": dict(inputs)}
        return Job(self._submitted(self._request("POST", "/v1/jobs", body, **query)))

    def replay(self, job_id: str, *, version: int | None) -> Job:
        """Submit a job's inputs once more; what may have reached the server is not sent twice."""
        query = {} if version is None else {"version": str(version)}
        path = f"/v1/jobs/{quote(job_id, safe='')}/replay"
        return Job(self._submitted(self._request("POST", path, **query)))

    def spans(self, job_id: str) -> list[wire.Span]:
        path = f"/v1/jobs/{quote(job_id, safe='')}/spans"
        return cast("list[wire.Span]", _parse_list(self._call(self._request("GET", path)), path))

    def list_approvals(self, job_id: str) -> list[wire.Approval]:
        """Return what a job, and the jobs below it, asked people to approve."""
        path = f"/v1/jobs/{quote(job_id, safe='')}/approvals"
        answer = self._call(self._request("GET", path))
        return cast("list[wire.Approval]", _parse_list(answer, path))

    def decide(
        self,
        approval_id: str,
        decision: Literal["approved", "denied"],
        *,
        reason: str | None = None,
    ) -> wire.Approval:
        body: wire.ApprovalBody = {"decision": decision, "reason": reason}
        path = f"/v1/approvals/{quote(approval_id, safe='')}"
        return cast("wire.Approval", self._object("POST", path, body))

    def list_models(self) -> list[wire.Model]:
        found = self._call(self._request("GET", "/v1/models"))
        return cast("list[wire.Model]", _parse_list(found, "/v1/models"))

    def start_evals(self, reference: str, body: wire.EvalCreate) -> wire.EvalReport:
        request = self._request("POST", _evals_path(reference), body)
        return cast("wire.EvalReport", self._submitted(request))

    def evals(self, suite_id: str) -> wire.EvalReport:
        return cast("wire.EvalReport", self._object("GET", _suite_path(suite_id)))

    def cancel_evals(self, suite_id: str) -> wire.EvalReport:
        return cast("wire.EvalReport", self._object("POST", f"{_suite_path(suite_id)}/cancel"))

    def list_evals(self, reference: str) -> list[wire.EvalSummary]:
        """Return the newest suites of a skillpack."""
        path = _evals_path(reference)
        return cast("list[wire.EvalSummary]", self._list(path, most=50))

    def diff_evals(self, reference: str, skill: str, *, base: str, head: str) -> wire.EvalDiff:
        query = {"skill": skill, "base": base, "head": head}
        request = self._request("GET", f"{_evals_path(reference)}/diff", **query)
        return cast("wire.EvalDiff", self._call_for_object(request))

    def list_budgets(self) -> list[wire.Budget]:
        return cast("list[wire.Budget]", self._list("/v1/budgets"))

    def create_budget(self, body: wire.BudgetCreate) -> wire.Budget:
        return cast("wire.Budget", self._object("POST", "/v1/budgets", body))

    def update_budget(self, budget_id: str, body: wire.BudgetPatch) -> wire.Budget:
        path = f"/v1/budgets/{quote(budget_id, safe='')}"
        return cast("wire.Budget", self._object("PATCH", path, body))

    def delete_budget(self, budget_id: str) -> None:
        self._call(self._request("DELETE", f"/v1/budgets/{quote(budget_id, safe='')}"))

    def list_keys(self) -> list[wire.Key]:
        return cast("list[wire.Key]", self._list("/v1/keys"))

    def mint_key(self, body: wire.KeyCreate) -> wire.MintedKey:
        """Mint a key. An answer to a repeated request has no `key`: it is shown only once."""
        return cast("wire.MintedKey", self._submitted(self._request("POST", "/v1/keys", body)))

    def update_key(self, key_id: str, body: wire.KeyPatch) -> wire.Key:
        path = f"/v1/keys/{quote(key_id, safe='')}"
        return cast("wire.Key", self._object("PATCH", path, body))

    def revoke_key(self, key_id: str) -> None:
        self._call(self._request("DELETE", f"/v1/keys/{quote(key_id, safe='')}"))

    def follow(
        self, job_id: str, *, timeout: float | None, interval: float = 1.5
    ) -> Iterator[JobEvent]:
        """Yield a job's events until it is over; times are in seconds, None is for ever.

        Raises:
            StillRunning: the job is not over after `timeout`.
        """
        until = None if timeout is None else monotonic() + timeout
        following = Follow("auto", 0, self._policy, interval, until=until)
        with closing(self._events(job_id, following)) as events:
            yield from events
        if not following.over:
            raise StillRunning

    def _request(self, method: str, path: str, body: Any = None, **query: str) -> Request:
        return Request(method, path, self._config.timeout, query=query, json=body)

    def _object(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return self._call_for_object(self._request(method, path, body))

    def _submitted(self, request: Request) -> dict[str, Any]:
        """Send what makes something, under a key of its own: a retry makes no second one."""
        return self._call_for_object(request._replace(idempotency_key=new_idempotency_key()))

    def _list(
        self, path: str, query: Mapping[str, str | None] | None = None, *, most: int | None = None
    ) -> list[dict[str, Any]]:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        found: list[dict[str, Any]] = []
        while True:
            left = wire.MAX_LIST_PAGE if most is None else most - len(found)
            given["limit"] = str(min(left, wire.MAX_LIST_PAGE))
            answer = self._call(self._request("GET", path, **given))
            found += _parse_list(answer, path)
            if 'rel="next"' not in answer.headers.get("link", "") or len(found) == most:
                return found
            given["before"] = found[-1]["id"]

    def _post_multipart(
        self, request: Request, fields: Mapping[str, str], *, file: io.FileIO
    ) -> _answers.Answer:
        http = self._http()
        try:
            built = http.build_request(
                request.method,
                self._config.api_base + request.path,
                data=dict(fields),
                files={"bundle": ("bundle.zip", file, "application/zip")},
                headers={"Authorization": f"Bearer {self._config.api_key}"},
                timeout=request.timeout,
            )
            response = http.send(built)
        except _transport.errors() as error:
            reason = _transport.failure_of(error).reason
            raise PurasConnectionError(
                f"the upload to {self._config.api_base} broke: {reason}; "
                "look whether it arrived: puras deployments"
            ) from error
        return _transport.answer_of(response, response.content)


class _Counted(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self._advance = advance

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size) or b""
        self._advance(len(chunk))
        return chunk


def _skillpack_path(reference: str) -> str:
    return f"/v1/skillpacks/{quote(reference, safe='')}"


def _deployments_path(reference: str, rest: str = "") -> str:
    path = f"{_skillpack_path(reference)}/deployments"
    return f"{path}/{rest}" if rest else path


def _evals_path(reference: str) -> str:
    return f"{_skillpack_path(reference)}/evals"


def _suite_path(suite_id: str) -> str:
    return f"/v1/evals/{quote(suite_id, safe='')}"


def _secrets_path(reference: str, name: str = "") -> str:
    path = f"{_skillpack_path(reference)}/secrets"
    return f"{path}/{quote(name, safe='')}" if name else path


def _parse_list(answer: _answers.Answer, path: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise PurasConnectionError(f"{path} was answered with no JSON list: is the server Puras?")
    return value

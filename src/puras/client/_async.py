# The synchronous client is generated from this file: edit here, never there.  # async only
# A line that ends as these two do is left out of it.  # async only
"""The client itself: it carries out what the pure modules beside it decide."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from itertools import count
from random import random
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from puras.client import _answers, _core, _files, _retry, _transport
from puras.client._answers import Answer, Failure
from puras.client._core import Policy, Request
from puras.client._follow import Dropped, Follow, Transport
from puras.client._models import AsyncEvents, Job, JobEvent, is_over
from puras.client._sse import Decoder
from puras.client._wait import Wait
from puras.errors import JobError, PurasError
from puras.wire import MAX_WAIT_SECONDS

if TYPE_CHECKING:
    from typing import Self

    import httpx2


class AsyncPuras:
    """Calls deployed skills, with `await`.

    A skill is addressed as `workspace/skillpack/skill`, as `skillpack/skill`, or by its bare name
    where a default `skillpack` (slug, `workspace/skillpack` or id) was given. One client may serve
    many callers at once. Close it with `await close()`, or use it in an `async with`.

    `api_key` falls back to `PURAS_API_KEY`, `api_base` to `PURAS_API_BASE`. `timeout` is in
    seconds, for each request that is not a stream; `max_retries` counts the tries after the first.
    An `http_client` is used as it is and never closed here.

    Raises:
        MissingKeyError: no key was passed and `PURAS_API_KEY` is not set.
        ValueError: the API base is no http or https URL.
    """

    _policy = Policy()

    def __init__(
        self,
        api_key: str | None = None,
        skillpack: str | None = None,
        *,
        api_base: str | None = None,
        timeout: float = 120.0,
        max_retries: int = 2,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._config = _core.configure(
            api_key, skillpack, api_base=api_base, timeout=timeout, max_retries=max_retries
        )
        self._given_http = http_client
        self._own_http: httpx2.AsyncClient | None = None
        self._own_http_lock = threading.Lock()
        self._closed = False
        self._keeps_keys: bool | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_base={self._config.api_base!r})"

    async def close(self) -> None:
        """Close the connections that this client opened. It can't be used afterwards."""
        self._closed = True
        own, self._own_http = self._own_http, None
        if own is not None:
            await own.aclose()

    async def submit(
        self,
        skill: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        skillpack: str | None = None,
        version: int | None = None,
        wait: bool = False,
        timeout: float = 60,
        idempotency_key: str | None = None,
    ) -> Job:
        """Submit a job and return it at once, or, with `wait`, when it is over.

        With `wait` the server holds the request up to `timeout` seconds, 60 at most; what is left
        of a longer timeout is spent polling. A job that is not over by then is returned as it is;
        one that failed is returned too, and raises nothing. `version` pins a deployment. A fresh
        Idempotency-Key is sent unless one is given.

        Raises:
            SkillPathError: the path can't be read, or nothing names a skillpack.
            PurasAPIError: the submit was refused; see its subclasses.
            PurasConnectionError: no usable answer came; the text says if the job may exist.
        """
        started = monotonic()
        request = _core.submit(
            self._config,
            skill,
            inputs=inputs,
            skillpack=skillpack,
            version=version,
            hold=timeout if wait else None,
            policy=self._policy,
            idempotency_key=idempotency_key,
        )
        job = Job(await self._call_for_object(request))
        if not wait or timeout <= MAX_WAIT_SECONDS or is_over(job):
            return job
        return await self._wait(
            job.id, until=started + timeout, interval=self._policy.submit_poll_interval
        )

    async def run(
        self,
        skill: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        skillpack: str | None = None,
        version: int | None = None,
        timeout: float = 600,
        poll_interval: float = 2.0,
        on_event: Callable[[JobEvent], object] | None = None,
    ) -> dict[str, Any]:
        """Submit a job, wait for it and return its result; an empty dict where it has none.

        `timeout` and `poll_interval` are in seconds. `on_event` is called with each event of the
        job, once and in order, as they come; it may be a coroutine function.

        Raises:
            JobError: the job failed, was cancelled, or is still running at the timeout.
            PurasError: everything that `submit` and `wait` raise.
        """
        job = await self.submit(skill, inputs, skillpack=skillpack, version=version)
        until = monotonic() + timeout
        if on_event is not None:
            await self._report(job.id, on_event, until=until)
        if on_event is not None or not is_over(job):
            job = await self._wait(job.id, until=until, interval=poll_interval)
        if job.get("status") != "succeeded":
            raise JobError(job)
        return job.get("result") or {}

    async def get(self, job_id: str) -> Job:
        """Fetch a job.

        Raises:
            NotFoundError: there is no such job that this key may see.
        """
        return await self._get(job_id)

    async def wait(self, job_id: str, *, timeout: float = 600, poll_interval: float = 2.0) -> Job:
        """Wait until a job is over or `timeout` seconds have gone; return it as last seen.

        A server that knows how answers the moment the job ends, any other one is asked again
        every `poll_interval` seconds.
        """
        return await self._wait(job_id, until=monotonic() + timeout, interval=poll_interval)

    def events(
        self,
        job_id: str,
        *,
        after_id: int = 0,
        transport: Transport = "auto",
        poll_interval: float = 1.5,
    ) -> AsyncEvents:
        """Iterate over a job's events: those there are, then those to come, until it is over.

        Each event comes once and in order, however often the line breaks. `after_id` leaves out
        the events up to that id. `transport` is `sse`, `poll` (a request each `poll_interval`
        seconds) or `auto`: a stream, and polling where none can be had. Leaving the loop
        frees the connection; an iterator that is kept is to be closed (`contextlib.aclosing`).

        Raises:
            ValueError: there is no such transport, or the job id is empty.
            PurasAPIError: the job can't be read; 401, 403 and 404 also in the middle.
            PurasConnectionError: with `sse`, five streams in a row broke without a new event.
            StreamLineTooLongError: the stream sent a line over 4 MiB.
        """
        _core.job_path(job_id)
        return self._events(job_id, Follow(transport, after_id, self._policy, poll_interval))

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job and return it; one that is over already is returned unchanged."""
        request = _core.cancel_job(self._config, job_id)
        return Job(await self._call_for_object(request))

    async def feedback(
        self,
        job_id: str,
        *,
        rating: int = 0,
        comment: str | None = None,
        end_user_id: str | None = None,
    ) -> dict[str, Any]:
        """Rate a job: -1, 0 or 1, where 0 needs a comment. Said again, it replaces the former."""
        request = _core.give_feedback(
            self._config, job_id, rating=rating, comment=comment, end_user_id=end_user_id
        )
        return await self._call_for_object(request)

    async def upload(self, file: _files.File, *, path: str | None = None) -> dict[str, Any]:
        """Store a file in the drive; return its `drive_path`, `size_bytes` and `mime`.

        `file` is a path, bytes, or a file object opened in binary mode, which is sent from its
        beginning; none of them is read into memory as a whole. `path` says where in the drive it
        goes; without it the server chooses.
        """
        with _files.opened(file, path) as source:
            return await self._call_for_object(_core.upload(self._config, source))

    async def _get(self, job_id: str, hold: float = 0.0) -> Job:
        request = _core.get_job(self._config, job_id, hold=hold, policy=self._policy)
        return Job(await self._call_for_object(request))

    async def _wait(self, job_id: str, *, until: float, interval: float) -> Job:
        wait = Wait(until, interval)
        while True:
            asked = monotonic()
            job = await self._get(job_id, wait.hold(asked))
            rest = wait.rest(job, asked=asked, now=monotonic())
            if rest is None:
                return job
            await _pause(rest)

    async def _report(
        self,
        job_id: str,
        on_event: Callable[[JobEvent], object],
        *,
        until: float,
    ) -> None:
        follow = Follow("auto", 0, self._policy, poll_interval=1.5, until=until)
        async with aclosing(self._events(job_id, follow)) as events:
            async for event in events:
                handled = on_event(event)
                if isinstance(handled, Awaitable):  # async only
                    await handled  # async only

    async def _events(self, job_id: str, follow: Follow) -> AsyncEvents:
        while follow.streaming and follow.goes_on(monotonic()):
            try:
                async with aclosing(self._stream(job_id, follow)) as events:
                    async for event in events:
                        yield event
            except Dropped as dropped:
                await _pause(follow.drop(dropped, roll=random(), now=monotonic()))
        async with aclosing(self._pages(job_id, follow)) as events:
            async for event in events:
                yield event

    async def _stream(self, job_id: str, follow: Follow) -> AsyncEvents:
        """Yield the events of one connection. Raises Dropped where it ends before the job."""
        response = await self._open(job_id, follow)
        decoder, left = Decoder(), follow.left(monotonic())
        try:
            with _transport.cut_after(response, left):
                async with aclosing(_transport.async_body(response)) as chunks:
                    async for chunk in chunks:
                        for message in decoder.feed(chunk):
                            event = follow.read(message)
                            if event is not None:
                                yield event
                        if not follow.goes_on(monotonic()):
                            return
        except _transport.errors() as error:
            raise Dropped(_transport.failure_of(error).reason) from error
        finally:
            await response.aclose()
        raise Dropped("the stream ended before the job")

    async def _open(self, job_id: str, follow: Follow) -> httpx2.Response:
        """Open a job's stream. Raises Dropped, or an error that ends the iteration."""
        http = self._http()
        request = _core.stream(self._config, job_id, after_id=follow.after_id)
        silence = follow.silence(monotonic())
        try:
            built = _transport.build(http, self._config, request, silence=silence)
            response = await http.send(built, stream=True)
            self._note(_transport.answer_of(response))
            if _transport.is_stream(response):
                return response
            try:
                body = b"" if response.is_success else await response.aread()
            finally:
                await response.aclose()
        except _transport.errors() as error:
            raise Dropped(_transport.failure_of(error).reason) from error
        raise follow.refuse(_transport.answer_of(response, body))

    async def _pages(self, job_id: str, follow: Follow) -> AsyncEvents:
        size = self._policy.events_per_page
        while follow.goes_on(monotonic()):
            request = _core.events_page(self._config, job_id, after_id=follow.after_id, limit=size)
            entries = _answers.parse_events(await self._call(request), request)
            for event in follow.page(entries, size=len(entries)):
                yield event
            if follow.asks_job:
                follow.saw(await self._get(job_id))
            await _pause(follow.rest(monotonic()))

    async def _call_for_object(self, request: Request) -> dict[str, Any]:
        return _answers.parse_object(await self._call(request), request)

    async def _call(self, request: Request) -> Answer:
        """Make a request, and make it again where that may help. Raises what `_retry` decides."""
        doubtful = False
        for attempt in count():
            outcome = await self._exchange(request)
            if isinstance(outcome, Answer) and outcome.ok:
                return outcome
            doubtful = doubtful or _retry.is_doubtful(request, outcome)
            rest = _retry.pause(outcome, attempt, policy=self._policy, roll=random())
            if rest is None or attempt >= self._config.max_retries or not request.repeatable:
                break
            await _pause(rest)
            if doubtful and not await self._knows_keys_are_kept():
                break
        raise _retry.error(outcome, request, self._config, doubtful=doubtful)

    async def _knows_keys_are_kept(self) -> bool:
        """Whether this server keeps Idempotency-Keys; unless it has said so, it is asked once."""
        if self._keeps_keys is None:
            try:
                await self._call(_core.health(self._config))
            except PurasError:
                return self._keeps_keys is True
            self._keeps_keys = self._keeps_keys is True
        return self._keeps_keys

    async def _exchange(self, request: Request) -> Answer | Failure:
        http = self._http()
        try:
            built = _transport.build(http, self._config, request)
            response = await http.send(built)
        except _transport.errors() as error:
            return _transport.failure_of(error)
        answer = _transport.answer_of(response, response.content)
        self._note(answer)
        return answer

    def _note(self, answer: Answer) -> None:
        if _retry.keeps_keys(answer.headers):
            self._keeps_keys = True

    def _http(self) -> httpx2.AsyncClient:
        with self._own_http_lock:
            if self._closed:
                raise RuntimeError("this client is closed: make a new one")
            if self._given_http is not None:
                return self._given_http
            if self._own_http is None:
                self._own_http = _transport.new_async_client()
            return self._own_http


async def _pause(seconds: float) -> None:
    import anyio

    await anyio.sleep(seconds)

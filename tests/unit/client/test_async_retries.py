"""What is tried again, what never is, and what may have happened all the same."""

from __future__ import annotations

import io
import socket

import pytest

from puras.client._async import AsyncPuras
from puras.client._core import Policy
from puras.errors import (
    ConflictError,
    PermissionDeniedError,
    PurasAPIError,
    PurasConnectionError,
    RateLimitError,
    ServerError,
)

from .scripted_server import (
    BROKEN,
    DONE,
    Answer,
    ScriptedServer,
    answer,
    job,
    page,
    refusal,
)

HEALTHY = answer({"ok": True, "service": "puras", "version": "1"}, Puras_Idempotency="1")
FORGETFUL = answer({"ok": True})
QUEUED = answer(job("queued"), 201)


@pytest.mark.parametrize(
    "trouble",
    [
        BROKEN,
        Answer(200, b'{"id": "j1"', {"Content-Type": "application/json"}, end="cut"),
        refusal(408, "slow"),
        refusal(429, "rate_limited", Retry_After="0"),
        refusal(500, "internal_error"),
        refusal(503, "not_ready"),
        page("<h1>Bad gateway</h1>", 502),
    ],
)
async def test_a_read_is_tried_again_after_what_may_pass(
    async_puras: AsyncPuras, server: ScriptedServer, trouble: Answer
) -> None:
    server.will_answer(trouble, trouble, answer(DONE))
    assert (await async_puras.get("j1")).status == "succeeded"
    assert len(server.seen) == 3


async def test_the_last_error_is_raised_when_the_tries_are_used_up(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(*[page("<title>Bad  gateway</title>", 502)] * 3)
    with pytest.raises(ServerError, match="an HTML page titled 'Bad gateway'"):
        await async_puras.get("j1")
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_inputs"),
        (401, "invalid_api_key"),
        (402, "insufficient_credits"),
        (402, "budget_exhausted"),
        (403, "skill_not_allowed"),
        (404, "skill_not_found"),
        (409, "secrets_missing"),
        (413, "too_large"),
        (418, "teapot"),
        (422, "invalid_request"),
        (429, "spend_cap_reached"),
        (429, "some_other_limit"),
    ],
)
async def test_a_refusal_is_never_tried_again(
    async_puras: AsyncPuras, server: ScriptedServer, status: int, code: str
) -> None:
    server.will_answer(refusal(status, code, Retry_After="0"))
    with pytest.raises(PurasAPIError) as raised:
        await async_puras.submit("ad")
    assert (raised.value.status, raised.value.code) == (status, code)
    assert len(server.seen) == 1


async def test_no_retries_means_one_try(server: ScriptedServer) -> None:
    server.will_answer(refusal(500, "internal_error"))
    async with AsyncPuras("k", api_base=server.url, max_retries=0) as client:
        with pytest.raises(ServerError):
            await client.get("j1")
    assert len(server.seen) == 1


async def test_a_retry_after_beyond_a_minute_is_left_to_the_caller(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(refusal(429, "rate_limited", Retry_After="61"))
    with pytest.raises(RateLimitError):
        await async_puras.get("j1")
    assert len(server.seen) == 1


async def test_a_refused_connection_is_tried_again_also_for_a_submit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        url = f"http://127.0.0.1:{closed_soon.getsockname()[1]}"
    async with AsyncPuras("k", "ads", api_base=url, max_retries=1) as client:
        client._policy = Policy(first_backoff=0.001)
        with pytest.raises(PurasConnectionError) as raised:
            await client.submit("ad")
    assert url in str(raised.value)
    assert "may exist" not in str(raised.value)
    assert raised.value.__cause__ is not None


async def test_a_submit_that_may_have_worked_is_not_repeated_where_keys_are_not_kept(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, FORGETFUL)
    with pytest.raises(PurasConnectionError, match="the job may exist all the same"):
        await async_puras.submit("ad", idempotency_key="order-7")
    assert server.asked == ["POST /v1/jobs", "GET /health"]


async def test_a_server_that_forgets_keys_is_asked_about_them_once(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, FORGETFUL, BROKEN)
    for _ in range(2):
        with pytest.raises(PurasConnectionError, match="may exist"):
            await async_puras.submit("ad")
    assert server.asked == ["POST /v1/jobs", "GET /health", "POST /v1/jobs"]


async def test_a_submit_is_repeated_with_its_key_where_health_says_that_keys_are_kept(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, HEALTHY, QUEUED)
    assert (await async_puras.submit("ad")).status == "queued"
    assert server.asked == ["POST /v1/jobs", "GET /health", "POST /v1/jobs"]
    first, _, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


async def test_an_earlier_answer_that_says_so_spares_the_question(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job(), Puras_Idempotency="1"), BROKEN, QUEUED)
    await async_puras.get("j1")
    await async_puras.submit("ad")
    assert server.asked == ["GET /v1/jobs/j1", "POST /v1/jobs", "POST /v1/jobs"]


async def test_a_health_that_can_not_be_had_is_no_promise(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, refusal(404, "not_found"))
    with pytest.raises(PurasConnectionError, match="may exist"):
        await async_puras.submit("ad")


async def test_a_server_error_on_submit_is_repeated_only_where_keys_are_kept(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(refusal(500, "internal_error"), FORGETFUL)
    with pytest.raises(ServerError):
        await async_puras.submit("ad")
    server.will_answer(refusal(500, "internal_error", Puras_Idempotency="1"), QUEUED)
    assert (await async_puras.submit("ad")).status == "queued"
    assert server.asked.count("GET /health") == 1


async def test_tries_used_up_tell_how_to_find_out_whether_the_job_exists(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, HEALTHY, BROKEN, BROKEN)
    with pytest.raises(PurasConnectionError, match="idempotency_key='order-7'"):
        await async_puras.submit("ad", idempotency_key="order-7")


async def test_a_rate_limited_submit_is_repeated_without_asking(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(refusal(429, "rate_limited", Retry_After="0"), QUEUED)
    await async_puras.submit("ad")
    assert server.asked == ["POST /v1/jobs", "POST /v1/jobs"]


async def test_only_a_conflict_about_a_key_in_progress_is_repeated(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(
        refusal(409, "idempotency_in_progress"), answer({"drive_path": "uploads/a"}, 201)
    )
    assert await async_puras.upload(b"a") == {"drive_path": "uploads/a"}
    server.will_answer(refusal(409, "secrets_missing"))
    with pytest.raises(ConflictError):
        await async_puras.submit("ad")
    assert len(server.seen) == 3


async def test_an_upload_that_broke_is_sent_again_with_the_same_bytes(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, HEALTHY, answer({"drive_path": "uploads/a"}, 201))
    await async_puras.upload(io.BytesIO(b"the whole file"))
    first, _, second = server.seen
    assert first.body == second.body
    assert b"the whole file" in second.body


async def test_a_pipe_is_never_sent_twice(async_puras: AsyncPuras, server: ScriptedServer) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    server.will_answer(BROKEN)
    with pytest.raises(PurasConnectionError, match="the file may have been stored"):
        await async_puras.upload(Pipe(b"once"))
    assert len(server.seen) == 1


async def test_a_cancel_is_repeated_like_a_read(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(BROKEN, answer(job("cancelled")))
    assert (await async_puras.cancel("j1")).status == "cancelled"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (answer({"detail": "say please"}, 403), "403: say please"),
        (answer({"message": "say please"}, 403), "403: say please"),
        (answer({"detail": "", "message": "say please"}, 403), "403: say please"),
        (answer({"detail": [{"msg": "bad"}]}, 403), 'bad"'),
        (answer(["odd"], 403), "403 .Forbidden. with the body"),
        (page("<html>no title</html>", 403), "403 .Forbidden. with an HTML page$"),
        (Answer(403), "403 .Forbidden. with an empty body"),
        (Answer(403, b"go away"), "with the body 'go away'"),
        (Answer(403, b"x" * 999), "x…'"),
    ],
)
async def test_every_refusal_has_something_useful_to_read(
    async_puras: AsyncPuras, server: ScriptedServer, reply: Answer, text: str
) -> None:
    server.will_answer(reply)
    with pytest.raises(PermissionDeniedError, match=text):
        await async_puras.get("j1")


async def test_a_redirect_says_where_the_api_is(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(Answer(308, b"", {"Location": "https://api.example/v1/jobs/j1"}))
    with pytest.raises(PurasAPIError, match=r"redirects to https://api\.example/v1/jobs/j1"):
        await async_puras.get("j1")


async def test_the_request_id_of_the_header_serves_where_the_body_has_none(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(Answer(404, b"", {"X-Request-Id": "r-9"}))
    with pytest.raises(PurasAPIError) as raised:
        await async_puras.get("j1")
    assert raised.value.request_id == "r-9"

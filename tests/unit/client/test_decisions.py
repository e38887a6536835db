"""The pure decisions: when to retry, how long to rest, what to believe."""

from __future__ import annotations

import copy
import pickle

import httpx2
import pytest

from puras.client import _core, _retry, _transport
from puras.client._answers import Answer, Failure
from puras.client._core import Policy
from puras.client._follow import Dropped, Follow
from puras.client._models import Job
from puras.client._wait import Wait

POLICY = Policy()
RUNNING = Job(id="j1", status="running")
OVER = Job(id="j1", status="succeeded")


def config(*, timeout: float = 120.0) -> _core.Config:
    return _core.Config("k", "http://here", None, timeout=timeout, max_retries=2)


CONFIG = config()


def submit(hold: float | None) -> _core.Request:
    return _core.submit(
        config(timeout=20.0),
        "ads/ad",
        inputs=None,
        skillpack=None,
        version=None,
        hold=hold,
        policy=POLICY,
        idempotency_key=None,
    )


def limited(retry_after: str) -> Answer:
    return Answer(429, {"retry-after": retry_after}, b'{"code": "rate_limited"}')


def test_backoff_is_any_part_of_a_ceiling_that_doubles_up_to_its_limit() -> None:
    ceilings = [_retry.backoff(attempt, POLICY, roll=1.0) for attempt in (0, 1, 2, 3, 4, 5, 5000)]
    assert ceilings == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert _retry.backoff(9, POLICY, roll=0.0) == 0.0


def test_retry_after_is_kept_to() -> None:
    assert _retry.pause(limited("7"), 0, policy=POLICY, roll=0.5) == 7.0
    assert _retry.pause(limited("60"), 0, policy=POLICY, roll=0.5) == 60.0
    assert _retry.pause(limited("61"), 0, policy=POLICY, roll=0.5) is None
    assert _retry.pause(limited("soon"), 0, policy=POLICY, roll=0.5) == 0.25


def test_retry_after_may_be_a_date() -> None:
    date = {"retry-after": "Sat, 31 Jan 2026 12:00:30 GMT"}
    noon = 1_769_860_800.0
    assert _retry.retry_after(date, now=noon) == 30.0
    assert _retry.retry_after(date, now=noon + 60) == 0.0


def test_only_a_call_with_an_effect_can_be_doubtful() -> None:
    read = _core.get_job(CONFIG, "j1", hold=0, policy=POLICY)
    assert not _retry.is_doubtful(read, Failure("cut", reached=True))
    assert not _retry.is_doubtful(_core.cancel_job(CONFIG, "j1"), Answer(502))


def test_a_hold_is_at_most_the_interval_and_ends_with_the_waiting() -> None:
    wait = Wait(until=100.0, interval=2.0)
    assert [wait.hold(now) for now in (0.0, 99.0, 100.0, 101.0)] == [2.0, 1.0, 0.0, 0.0]


def test_the_rest_of_the_interval_is_slept() -> None:
    wait = Wait(until=100.0, interval=2.0)
    assert wait.rest(RUNNING, asked=10.0, now=10.5) == 1.5
    assert wait.rest(RUNNING, asked=10.0, now=12.5) == 0.0
    assert wait.rest(RUNNING, asked=99.0, now=99.5) == 0.5
    assert wait.rest(RUNNING, asked=98.0, now=100.0) is None
    assert wait.rest(OVER, asked=10.0, now=10.0) is None


def test_a_request_outlasts_the_wait_it_asks_for() -> None:
    assert _core.get_job(CONFIG, "j1", hold=2, policy=POLICY).timeout == 120.0
    assert _core.get_job(CONFIG, "j1", hold=115, policy=POLICY).timeout == 125.0
    assert submit(hold=None).timeout == 20.0
    assert submit(hold=30.0).timeout == 40.0
    assert submit(hold=600.0).timeout == 70.0


def test_a_request_that_is_not_held_has_the_callers_limit_however_short() -> None:
    hasty = config(timeout=1.0)
    assert _core.get_job(hasty, "j1", hold=0, policy=POLICY).timeout == 1.0
    assert _core.get_job(hasty, "j1", hold=2, policy=POLICY).timeout == 12.0


@pytest.mark.parametrize(("hold", "text"), [(2, "2"), (0.5, "0.5"), (10, "10"), (1.23456, "1.235")])
def test_seconds_travel_as_decimals(hold: float, text: str) -> None:
    assert _core.get_job(CONFIG, "j1", hold=hold, policy=POLICY).query == {"wait": text}


def test_a_stream_may_be_silent_for_its_own_time_whatever_the_timeout_of_requests() -> None:
    request = _core.stream(CONFIG, "j1", after_id=0)
    silence = Follow("sse", 0, POLICY, poll_interval=1.0).silence(now=0.0)
    with httpx2.Client() as http:
        built = _transport.build(http, CONFIG, request, silence=silence)
    timeouts = {"connect": 120.0, "read": 45.0, "write": 120.0, "pool": 120.0}
    assert built.extensions["timeout"] == timeouts


def test_a_key_is_not_shown_in_the_configuration() -> None:
    assert "secret" not in repr(_core.Config("secret", "http://here", None, 1.0, 2))


@pytest.mark.parametrize("base", ["localhost:8787", "ftp://here", "/v1"])
def test_a_base_that_is_no_http_url_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="must begin with http"):
        _core.configure("k", None, api_base=base, timeout=1, max_retries=0)


def test_the_default_base_is_the_hosted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PURAS_API_BASE", raising=False)
    config = _core.configure("k", None, api_base=None, timeout=1, max_retries=0)
    assert config.api_base == "https://api.puras.co"


def test_a_resumed_stream_honours_retry_after_up_to_its_limit() -> None:
    follow = Follow("sse", 0, POLICY, poll_interval=1.0)
    assert follow.drop(Dropped("busy", retry_after=9.0), roll=0.0, now=0.0) == 9.0
    assert follow.drop(Dropped("busy", retry_after=900.0), roll=0.0, now=0.0) == 60.0


def test_following_with_an_end_never_sleeps_beyond_it() -> None:
    follow = Follow("auto", 0, POLICY, poll_interval=1.5, until=100.0)
    assert follow.rest(now=99.0) == 1.0
    assert follow.silence(now=99.0) == 1.0
    assert follow.drop(Dropped("busy", retry_after=9.0), roll=0.0, now=98.0) == 2.0
    assert not follow.goes_on(now=100.0)


def test_a_full_page_is_followed_by_the_next_without_rest() -> None:
    follow = Follow("poll", 0, Policy(events_per_page=2), poll_interval=1.5)
    assert len(list(follow.page([{"id": 1}, {"id": 2}], size=2))) == 2
    assert follow.rest(now=0.0) == 0.0
    assert list(follow.page([{"id": 1}, {"id": 2}], size=2)) == []
    assert follow.rest(now=0.0) == 1.5


def test_a_job_is_a_dict_with_attributes() -> None:
    assert OVER.status == OVER["status"] == "succeeded"
    assert OVER == {"id": "j1", "status": "succeeded"}
    assert copy.deepcopy(OVER) == OVER == pickle.loads(pickle.dumps(OVER))
    assert type(pickle.loads(pickle.dumps(OVER))) is Job


def test_a_field_that_is_missing_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="this Job has no field 'mood'"):
        OVER.mood  # noqa: B018
    with pytest.raises(AttributeError):
        OVER.status = "failed"

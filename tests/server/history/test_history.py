"""Histories: in whatever order clients, operators and workers act, the platform does as the model.

A failing history is printed as the Python that replays it, shortest first, with the blob for
`@reproduce_failure`. CI plays a few short ones; by hand, `HYPOTHESIS_PROFILE=long` plays long ones
until it is stopped or finds something:

    HYPOTHESIS_PROFILE=long .venv/bin/pytest -n 0 -s tests/server/history
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from puras.server.budgets import windows
from puras.server.clock import utc_day
from puras.server.db.database import Row
from puras.wire import MICROS_PER_USD, BudgetWindow

from ..support import Minted, open_platform
from .model import LOG, Budget, Job, Key, Model
from .site import DONE, FAILED, PLACES, Site, open_site

T = TypeVar("T")
LONG = settings.get_current_profile_name() == "long"
WINDOWS: tuple[BudgetWindow, ...] = ("day", "month", "rolling30", "total")
which = st.integers(0, 7)
MOVES = st.sampled_from(["claim", "claim", "say", "child", "succeed", "fail", "hand_back", "park"])
assert open_platform, "this module opens a database, so its tests run on both"


@dataclass
class Asked:
    """A request that was sent with an idempotency key, and the job that it made."""

    key: Minted
    path: str
    body: dict[str, Any]
    header: dict[str, str]
    job: Job


@dataclass(frozen=True)
class Payment:
    """A paid call: which attempt makes it, its number there, how it goes, and its terms."""

    row: Annotated[int, which]
    number: Annotated[int, st.integers(1, 3)]
    how: Annotated[str, st.sampled_from(["done", "done", "done", "failed", "open"])]
    bound: Annotated[int, st.integers(0, 60)]
    cost: Annotated[int, st.integers(0, 60)]
    lowered: bool
    limit: Annotated[int | None, st.none() | st.integers(0, 90)]

    @property
    def terms(self) -> dict[str, Any]:
        least = self.bound // 3 if self.lowered else None
        return {
            "how": self.how,
            "bound": self.bound,
            "least": least,
            "cost": self.cost,
            "limit": self.limit,
        }


class History(RuleBasedStateMachine):
    site: Site

    # Where a history begins

    @initialize(
        credits=st.integers(20, 200),
        cap=st.integers(10, 90),
        window=st.sampled_from(WINDOWS),
        limit=st.integers(20, 150),
    )
    def begin(self, credits: int, cap: int, window: BudgetWindow, limit: int) -> None:
        """Begin where all limits are: two keys, a budget, and four jobs, of which three run."""
        self.site.begin(credits=credits)
        self.model = Model(credits, 0)
        self.secrets: dict[str, Minted] = {}
        self.rows: dict[tuple[str, int], Row] = {}
        self.asked: list[Asked] = []
        self.dead: set[str] = set()
        self.made = 0
        self.touched: Job | None = None
        first = self.site.first
        assert first is not None
        self._know(Key(first.id), first)
        self._look_at_the_clock()
        self.mint(cap)
        self.set_budget(window, limit, narrow=True)
        for n in range(4):
            self.submit(n % 2, "echo", again=n == 0)
        self.claim(0, 2)
        self.claim(1, 1)

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        try:
            for job in self.model.jobs:
                self._compare(job)
        finally:
            self.site.finish()

    # What may happen: few rules with many moves, for Hypothesis leaves out about half of the rules

    @rule(
        move=st.sampled_from(["submit", "submit", "replay", "ask_again", "cancel", "rate"]),
        n=which,
        other=st.booleans(),
    )
    def a_client_asks(self, move: str, n: int, other: bool) -> None:
        match move:
            case "submit":
                self.submit(n, "other" if other else "echo", again=n % 2 == 0)
            case "replay":
                self.replay(n, again=other)
            case "ask_again":
                self.ask_again(n, same=not other)
            case "cancel":
                self.cancel(n)
            case "rate":
                self.rate(n, 1 if other else -1, "ann" if n % 2 else "")

    @rule(
        move=st.sampled_from(["mint", "cap", "revoke", "credits", "budget", "terms", "decide"]),
        n=which,
        micros=st.integers(0, 120),
        other=st.booleans(),
    )
    def somebody_changes_terms(self, move: str, n: int, micros: int, other: bool) -> None:
        match move:
            case "mint":
                self.mint(None if other else micros)
            case "cap":
                self.change_cap(n, None if other else micros)
            case "revoke":
                self.revoke(n)
            case "credits":
                self.add_credits(micros + 1)
            case "budget":
                self.set_budget(WINDOWS[n % 4], micros, narrow=other)
            case "terms":
                self.change_budget(n, micros, enforce=not other)
            case "decide":
                self.decide(n, "approved" if other else "denied")

    @rule(calls=st.lists(st.builds(Payment), min_size=1, max_size=4))
    def runs_pay(self, calls: list[Payment]) -> None:
        for call in calls:
            self.pay(call)

    @rule(moves=st.lists(st.tuples(MOVES, which), min_size=1, max_size=3))
    def runs_go_on(self, moves: list[tuple[str, int]]) -> None:
        for move, n in moves:
            self._go_on(move, n)

    def _go_on(self, move: str, row: int) -> None:
        match move:
            case "claim":
                self.claim(row % 2, 3)
            case "say":
                self.say(row)
            case "child":
                self.start_child(row)
            case "succeed" | "fail":
                self.end(row, succeeds=move == "succeed")
            case "hand_back":
                self.hand_back(row)
            case "park":
                self.park(row, 1 + row % 2)

    @rule(move=st.sampled_from(["die", "leases", "approvals", "day", "midnight", "month"]), n=which)
    def time_passes(self, move: str, n: int) -> None:
        match move:
            case "die":
                self.dead.add(self._worker(n % 2))
            case "leases":
                self.let_leases_run_out()
            case "approvals":
                self.let_approvals_run_out()
            case "day" | "midnight":
                self.move_on(1, before=move == "midnight")
            case "month":
                self.move_on(28 + n % 4, before=n > 3)

    # Clients

    def submit(self, n: int, skill: str, again: bool) -> None:
        key = self._one(self.model.keys, n)
        body = {"skill": f"pack/{skill}", "inputs": {"n": n}}
        self._ask(key, "/jobs", body, skill=skill, again=again)

    def replay(self, n: int, again: bool) -> None:
        if not self._roots():
            return
        job = self._one(self._roots(), n)
        self._ask(job.key, f"/jobs/{job.id}/replay", {}, skill=job.skill, again=again)

    def ask_again(self, n: int, same: bool) -> None:
        if not self.asked:
            return
        asked = self._one(self.asked, n)
        more = {} if same else {"params": {"version": 1}}
        answer = self.site.request(
            "POST", asked.path, key=asked.key, json=asked.body, headers=asked.header, **more
        )
        if not asked.job.key.alive:
            assert _refused(answer) == "invalid_api_key"
        elif not same:
            assert _refused(answer) == "idempotency_mismatch"
        else:
            assert (answer.status_code, answer.headers["idempotent-replayed"]) == (201, "true")
            now = self.site.shown(f"/jobs/{asked.job.id}", key=asked.key)
            assert answer.json() == now
        self.touched = asked.job

    def cancel(self, n: int) -> None:
        if not self.model.jobs:
            return
        job = self._one(self.model.jobs, n)
        answer = self.site.request("POST", f"/jobs/{job.id}/cancel")
        assert answer.status_code == 200, answer.text
        if job.is_live:
            self.model.ended(job, "cancelled")
        assert answer.json()["status"] == job.status
        self.touched = job

    def rate(self, n: int, rating: int, who: str) -> None:
        if not self._roots():
            return
        job = self._one(self._roots(), n)
        body = {"rating": rating, "end_user_id": who}
        answer = self.site.request("POST", f"/jobs/{job.id}/feedback", json=body)
        assert answer.status_code == 200, answer.text
        known = who in job.ratings
        job.ratings[who] = rating
        told = answer.json()
        assert told["rating"] == rating
        assert known or told["created_at"] == told["updated_at"]

    def decide(self, n: int, decision: str) -> None:
        if not self._pending():
            return
        job, approval = self._one(self._pending(), n)
        body = {"decision": decision}
        answer = self.site.request("POST", f"/approvals/{approval}", json=body)
        assert answer.json()["status"] == decision
        again = self.site.request("POST", f"/approvals/{approval}", json=body)
        assert _refused(again) == "already_decided"
        self.model.decided(job, approval)
        self.touched = job

    # Who runs the place

    def mint(self, cap: int | None) -> None:
        if len(self.model.keys) > 3:
            return
        body = {"name": "k", "kind": "secret", "skills": "all", "daily_cap_usd": _usd(cap)}
        answer = self.site.request("POST", "/keys", json=body)
        assert answer.status_code == 201, answer.text
        minted = Minted(answer.json()["id"], answer.json()["key"])
        self._know(Key(minted.id, cap, most=cap), minted)

    def change_cap(self, n: int, cap: int | None) -> None:
        if len(self.model.keys) < 2:
            return
        key = self._one(self.model.keys[1:], n)
        body = {"daily_cap_usd": _usd(cap)}
        assert self.site.request("PATCH", f"/keys/{key.id}", json=body).status_code == 200
        self.model.cap(key, cap)

    def revoke(self, n: int) -> None:
        if len(self.model.keys) < 2:
            return
        key = self._one(self.model.keys[1:], n)
        assert self.site.request("DELETE", f"/keys/{key.id}").status_code == 204
        key.alive = False

    def add_credits(self, micros: int) -> None:
        self.site.add_credits(micros)
        self.model.balance += micros

    def set_budget(self, window: BudgetWindow, limit: int, narrow: bool) -> None:
        if len(self.model.budgets) > 2:
            return
        body = {"scope": "workspace", "window": window, "limit_usd": _usd(limit), "enforce": True}
        if narrow:
            body |= {"scope": "skillpack", "skillpack": "pack", "skill_name": "echo"}
        answer = self.site.request("POST", "/budgets", json=body)
        assert answer.status_code == 201, answer.text
        budget = Budget(answer.json()["id"], window, limit, skill="echo" if narrow else None)
        budget.most = max(limit, self.model.spent_of(budget))
        self.model.budgets.append(budget)

    def change_budget(self, n: int, limit: int, enforce: bool) -> None:
        if not self.model.budgets:
            return
        budget = self._one(self.model.budgets, n)
        body = {"limit_usd": _usd(limit), "enforce": enforce}
        answer = self.site.request("PATCH", f"/budgets/{budget.id}", json=body)
        assert answer.status_code == 200, answer.text
        self.model.change_budget(budget, limit, enforce)

    # Workers

    def claim(self, n: int, most: int) -> None:
        worker = self._worker(n)
        places = min(most, PLACES - self.model.busy(), len(self.model.claimable()))
        rows = self.site.claim(worker, most=most)
        assert len(rows) == max(places, 0)
        for row in rows:
            job = self._job(row)
            self.model.claimed(job, worker)
            assert row["attempt"] == job.attempt
            self.rows[job.id, job.attempt] = row
            self.touched = job

    def pay(self, made: Payment) -> None:
        """Make a call; where it stays open, the worker has died in it."""
        job, row, current = self._attempt(made.row)
        number, terms = made.number, made.terms
        call = job.calls.get(number)
        came = self.site.pay(row, number, **terms)
        if current:
            assert came == self.model.paid(job, number, **terms)
            if came == "open" and job.worker is not None:
                self.dead.add(job.worker)
        elif call is None:
            assert came == "job_not_found", "nothing is held, and nobody is paid"
        elif call.done:
            assert came == "known"
        else:
            assert came in {"job_not_found", "failed", "open"}, "the model does not change"

    def say(self, row: int) -> None:
        job, told, current = self._attempt(row)
        assert self.site.say(told) == current
        if current:
            job.log.append(LOG)

    def start_child(self, row: int) -> None:
        job, told, current = self._attempt(row)
        if told["depth"] >= 2:
            return
        child = self.site.child(told)
        assert (child is not None) == current
        if child is not None:
            self.touched = self.model.submitted(child, job.key, "other", parent=job)

    def end(self, row: int, succeeds: bool) -> None:
        job, told, current = self._attempt(row)
        assert self.site.end(told, DONE if succeeds else FAILED) == current
        if current:
            self.model.ended(job, "succeeded" if succeeds else "failed")

    def hand_back(self, row: int) -> None:
        job, told, current = self._attempt(row)
        assert self.site.hand_back(told) == current
        if current:
            self.model.queued_again(job)

    def park(self, row: int, count: int) -> None:
        job, told, current = self._attempt(row)
        approvals = self.site.park(told, count)
        assert (approvals is not None) == current
        if approvals is not None:
            assert len(approvals) == count
            self.model.parked(job, approvals)

    # Time

    def let_leases_run_out(self) -> None:
        running = [job for job in self.model.jobs if job.status == "running"]
        alive: dict[str, set[tuple[str, int]]] = {self._worker(0): set(), self._worker(1): set()}
        for job in running:
            if job.worker in alive:
                alive[job.worker].add((job.id, job.attempt))
        self.site.let_leases_run_out(alive=alive, dead=self.dead)
        for job in running:
            if job.worker is not None and job.worker not in alive:
                self.model.lose(job)
        self._look_at_the_clock()

    def let_approvals_run_out(self) -> None:
        self.site.let_approvals_run_out()
        for job, approval in self._pending():
            self.model.decided(job, approval)
        self._look_at_the_clock()

    def move_on(self, days: int, before: bool) -> None:
        self.site.move_on(days, before=before)
        self._look_at_the_clock()

    # What must hold

    @invariant()
    def money_agrees(self) -> None:
        model, shown = self.model, self.site.shown
        assert model.balance >= 0
        assert model.free() >= 0
        balance = shown("/billing/balance")
        assert balance["balance_micros"] == model.balance
        assert balance["spent_today_micros"] == model.spent_today()
        told = {one["id"]: one["spent_today_micros"] for one in shown("/keys")}
        assert told == {key.id: model.spent_by_key(key) for key in model.keys}
        for key in model.keys:
            assert key.most is None or told[key.id] <= key.most
        told = {one["id"]: one["spent_micros"] for one in shown("/budgets")}
        assert told == {budget.id: model.spent_of(budget) for budget in model.budgets}
        for budget in model.budgets:
            assert not budget.enforce or told[budget.id] <= budget.most

    @invariant()
    def views_agree(self) -> None:
        jobs = sorted(self.model.jobs, key=lambda job: job.id, reverse=True)
        shown = self.site.shown("/jobs", limit=200)
        assert [(one["id"], one["status"], one["cost_micros"]) for one in shown] == [
            (job.id, job.status, job.cost) for job in jobs
        ]
        job = self.touched
        if job is not None:
            self._compare(job)
            shown = self.site.shown("/jobs", limit=200, status=job.status, skill=job.skill)
            alike = [one for one in jobs if (one.status, one.skill) == (job.status, job.skill)]
            assert [one["id"] for one in shown] == [one.id for one in alike]
            self._compare_own(job.key, jobs)

    @invariant()
    def rows_are_whole(self) -> None:
        assert self.site.faults() == []

    # How it is done

    def _compare(self, job: Job) -> None:
        shown = self.site.shown(f"/jobs/{job.id}")
        assert (shown["status"], shown["attempt"]) == (job.status, job.attempt)
        assert (shown["cost_micros"], shown["key_id"]) == (job.cost, job.key.id)
        told = self.site.shown(f"/jobs/{job.id}/events")
        assert [one["id"] for one in told] == list(range(1, len(job.log) + 1))
        assert [
            (one["type"], one["payload"].get("status") if one["type"] == "status" else None)
            for one in told
        ] == job.log

    def _compare_own(self, key: Key, jobs: list[Job]) -> None:
        """A key with a cap sees the jobs that it submitted, and no child."""
        if key.alive and key.cap is not None:
            shown = self.site.shown("/jobs", key=self.secrets[key.id], limit=200)
            mine = [job.id for job in jobs if job.key is key and job.parent is None]
            assert [one["id"] for one in shown] == mine

    def _ask(self, key: Key, path: str, body: dict[str, Any], *, skill: str, again: bool) -> None:
        secret = self.secrets[key.id]
        self.made += 1
        header = {"Idempotency-Key": f"k{self.made}"} if again else {}
        answer = self.site.request("POST", path, key=secret, json=body, headers=header)
        refusal = self.model.refusal(key, skill)
        if refusal is not None:
            assert _refused(answer) == refusal
            return
        assert answer.status_code == 201, answer.text
        job = self.touched = self.model.submitted(answer.json()["id"], key, skill)
        if again:
            self.asked.append(Asked(secret, path, body, header, job))

    def _attempt(self, n: int) -> tuple[Job, Row, bool]:
        """Return an attempt and whether it is one that runs, else it was fenced off lately."""
        running = [row for row in self.rows.values() if self._runs(row)]
        stale = [row for row in self.rows.values() if not self._runs(row)]
        row = self._one([*running, *stale[-2:]], n)
        self.touched = self._job(row)
        return self.touched, row, self._runs(row)

    def _runs(self, row: Row) -> bool:
        job = self._job(row)
        return job.status == "running" and job.attempt == row["attempt"]

    def _job(self, row: Row) -> Job:
        return next(job for job in self.model.jobs if job.id == row["id"])

    def _roots(self) -> list[Job]:
        return [job for job in self.model.jobs if job.parent is None]

    def _pending(self) -> list[tuple[Job, str]]:
        return [(job, one) for job in self.model.jobs for one in job.pending]

    def _worker(self, n: int) -> str:
        """Return the n-th worker that is alive: one that died has a successor."""
        names = (f"{self.site.workspace_id}-{n}-{life}" for life in range(10_000))
        return next(name for name in names if name not in self.dead)

    def _know(self, key: Key, minted: Minted) -> None:
        self.model.keys.append(key)
        self.secrets[key.id] = minted

    def _look_at_the_clock(self) -> None:
        now = self.site.clock()
        first_days = {window: windows.first_day(window, now) for window in WINDOWS}
        self.model.moved_to(utc_day(now), first_days)

    @staticmethod
    def _one(choices: list[T], n: int) -> T:
        return choices[n % len(choices)]


def _refused(answer: httpx2.Response) -> str:
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["code"])


def _usd(micros: int | None) -> float | None:
    return None if micros is None else micros / MICROS_PER_USD


@pytest.mark.slow
@pytest.mark.timeout(0 if LONG else 600)
def test_whatever_happens_in_whatever_order_the_platform_does_as_the_model(
    dialect: str, tmp_path: Path
) -> None:
    with open_site(tmp_path) as site:
        run_state_machine_as_test(
            type("On", (History,), {"site": site}),
            settings=settings(
                max_examples=100_000 if LONG else 20,
                stateful_step_count=50 if LONG else 20,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
                phases=[phase for phase in Phase if phase is not Phase.explain],
            ),
        )

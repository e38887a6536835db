"""What can happen in a history: each move is made on the platform, then told to the model.

A move that makes no sense where the history stands does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import httpx2
from hypothesis import strategies as st

from puras.server.budgets import windows
from puras.server.clock import utc_day
from puras.server.db.database import Row
from puras.wire import MICROS_PER_USD, BudgetWindow

from ..support import Minted
from .model import LOG, Budget, Job, Key, Model
from .site import DONE, FAILED, PLACES, Site

T = TypeVar("T")
WINDOWS: tuple[BudgetWindow, ...] = ("day", "month", "rolling30", "total")
which = st.integers(0, 7)


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


class Moves:
    """Moves on one workspace of a site, and the model that goes along."""

    site: Site
    model: Model
    secrets: dict[str, Minted]
    rows: dict[tuple[str, int], Row]
    asked: list[Asked]
    dead: set[str]
    made: int
    touched: Job | None

    def start(self, *, credits: int) -> None:
        """Start a workspace with a key that may do all."""
        self.site.begin(credits=credits)
        self.model = Model(credits, 0)
        self.secrets, self.rows, self.asked, self.dead = {}, {}, [], set()
        self.made, self.touched = 0, None
        first = self.site.first
        assert first is not None
        self._know(Key(first.id), first)
        self._look_at_the_clock()

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

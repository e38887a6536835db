"""Histories: in whatever order clients, operators and workers act, the platform does as the model.

A failing history is printed as the Python that replays it, shortest first, with the blob for
`@reproduce_failure`. CI plays a few short ones; by hand, `HYPOTHESIS_PROFILE=long` plays long ones
until it is stopped or finds something:

    HYPOTHESIS_PROFILE=long .venv/bin/pytest -n 0 -s tests/server/history
"""

from __future__ import annotations

from pathlib import Path

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

from puras.wire import BudgetWindow

from ..support import open_platform
from .moves import WINDOWS, Moves, Payment, which
from .site import open_site

LONG = settings.get_current_profile_name() == "long"
MOVES = st.sampled_from(["claim", "claim", "say", "child", "succeed", "fail", "hand_back", "park"])
assert open_platform, "this module opens a database, so its tests run on both"


class History(Moves, RuleBasedStateMachine):
    """Draws the moves, and looks after each of them whether platform and model agree."""

    # Where a history begins

    @initialize(
        credits=st.integers(20, 200),
        cap=st.integers(10, 90),
        window=st.sampled_from(WINDOWS),
        limit=st.integers(20, 150),
    )
    def begin(self, credits: int, cap: int, window: BudgetWindow, limit: int) -> None:
        """Begin where all limits are: two keys, a budget, and four jobs, of which three run."""
        self.start(credits=credits)
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

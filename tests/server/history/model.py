"""What a platform is to do, in plain Python: the jobs, keys and money of one workspace.

It knows nothing of rows, locks or transactions. Each method says what one thing that happens makes
of it; what it refuses, it refuses with the code that the platform has to give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_LOSSES = 3
LIVE = {"queued", "running"}
LOG = ("log", None)


@dataclass(eq=False)
class Key:
    """`most` is the highest that its cap was today: what was granted under it stands."""

    id: str
    cap: int | None = None
    alive: bool = True
    most: int | None = None


@dataclass(eq=False)
class Hold:
    """Money for a call; `cost` is None until it is settled."""

    job: Job
    day: int
    held: int
    cost: int | None = None

    @property
    def counts(self) -> int:
        return self.held if self.cost is None else self.cost


@dataclass(eq=False)
class Call:
    hold: Hold | None
    done: bool = False


@dataclass(eq=False)
class Job:
    """`log` has the type of each event, and the status that it tells."""

    id: str
    key: Key
    skill: str
    parent: Job | None = None
    status: str = "queued"
    attempt: int = 0
    lost: int = 0
    worker: str | None = None
    cost: int = 0
    waits: bool = False
    log: list[tuple[str, str | None]] = field(default_factory=lambda: [("status", "queued")])
    calls: dict[int, Call] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    ratings: dict[str, int] = field(default_factory=dict)

    @property
    def root(self) -> Job:
        return self if self.parent is None else self.parent.root

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    def turn(self, status: str) -> None:
        self.status = status
        self.log.append(("status", status))


@dataclass(eq=False)
class Budget:
    """`skill` is None for the whole workspace; `most` as that of a key."""

    id: str
    window: str
    limit: int
    skill: str | None = None
    enforce: bool = True
    most: int = 0


@dataclass
class Model:
    """A workspace. `today` counts UTC days; `first_day` gives that of a window."""

    balance: int
    today: int
    keys: list[Key] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    first_days: dict[str, int] = field(default_factory=dict)

    # What is asked of it

    def spent_by_key(self, key: Key) -> int:
        return sum(h.counts for h in self.holds if h.job.root.key is key and h.day == self.today)

    def spent_of(self, budget: Budget) -> int:
        first = self.first_days[budget.window]
        return sum(
            hold.counts
            for hold in self.holds
            if hold.day >= first and budget.skill in {None, hold.job.root.skill}
        )

    def spent_today(self) -> int:
        return sum(hold.counts for hold in self.holds if hold.day == self.today)

    def free(self) -> int:
        """Return what of the wallet no job that goes on has taken."""
        return self.balance - sum(hold.counts for hold in self.holds if hold.job.is_live)

    def room(self, job: Job, *, limit: int | None) -> int:
        key, left = job.root.key, [self.free()]
        if key.cap is not None:
            left.append(key.cap - self.spent_by_key(key))
        if limit is not None:
            left.append(limit - sum(h.counts for h in self.holds if h.job.root is job.root))
        left += [
            budget.limit - self.spent_of(budget)
            for budget in self.budgets
            if budget.enforce and budget.skill in {None, job.root.skill}
        ]
        return min(left)

    def refusal(self, key: Key, skill: str) -> str | None:
        """Return the code that a submit is refused with, if it is."""
        if not key.alive:
            return "invalid_api_key"
        if key.cap is not None and self.spent_by_key(key) >= key.cap:
            return "spend_cap_reached"
        for budget in self.budgets:
            counts = budget.enforce and budget.skill in {None, skill}
            if counts and self.spent_of(budget) >= budget.limit:
                return "budget_exhausted"
        return "insufficient_credits" if self.free() <= 0 else None

    def children(self, job: Job) -> Iterator[Job]:
        return (other for other in self.jobs if other.parent is job)

    def claimable(self) -> list[Job]:
        return [job for job in self.jobs if job.status == "queued" and not job.pending]

    def busy(self) -> int:
        return sum(job.status == "running" and not job.waits for job in self.jobs)

    # What happens

    def submitted(self, job_id: str, key: Key, skill: str, *, parent: Job | None = None) -> Job:
        job = Job(job_id, key, skill, parent)
        self.jobs.append(job)
        if parent is not None:
            parent.waits = True
        return job

    def claimed(self, job: Job, worker: str) -> None:
        assert job in self.claimable(), f"{job} was not to be claimed"
        job.attempt += 1
        job.worker = worker
        job.turn("running")

    def paid(
        self,
        job: Job,
        number: int,
        *,
        bound: int,
        least: int | None,
        cost: int,
        limit: int | None,
        how: str,
    ) -> str:
        """Make a call, and return how it came out: done, known, refused, open or failed."""
        call = job.calls.get(number)
        if call is not None and call.done:
            return "known"
        if call is None:
            hold = None
            if bound > 0:
                room = self.room(job, limit=limit)
                amount = bound if least is None else min(bound, max(room, least))
                if amount > room:
                    return "refused"
                hold = Hold(job, self.today, amount)
                self.holds.append(hold)
            call = job.calls[number] = Call(hold)
        if how == "open":
            return "open"
        self._settle(job, call, 0 if how == "failed" else cost)
        if how == "failed":
            del job.calls[number]
            return "failed"
        call.done = True
        job.log.append(LOG)
        return "done"

    def _settle(self, job: Job, call: Call, cost: int) -> None:
        if call.hold is not None:
            call.hold.cost = min(cost, call.hold.held)
            job.cost += call.hold.cost

    def ended(self, job: Job, status: str) -> None:
        """End a job that goes on, and cancel those below it."""
        assert job.is_live
        mine = [hold for hold in self.holds if hold.job is job]
        if status == "succeeded":
            self.balance -= sum(hold.cost or 0 for hold in mine)
        for hold in mine:
            hold.cost = hold.cost or 0
        job.turn(status)
        job.worker, job.waits = None, False
        job.pending.clear()
        for child in self.children(job):
            if child.is_live:
                self.ended(child, "cancelled")
        self._let_parent_go_on(job)

    def _let_parent_go_on(self, job: Job) -> None:
        parent = job.parent
        if parent is not None and not any(child.is_live for child in self.children(parent)):
            parent.waits = False

    def queued_again(self, job: Job) -> None:
        job.worker, job.waits = None, False
        job.turn("queued")

    def lose(self, job: Job) -> None:
        job.lost += 1
        if job.lost >= MOST_LOSSES:
            self.ended(job, "failed")
        else:
            self.queued_again(job)

    def parked(self, job: Job, approvals: list[str]) -> None:
        job.log += [("approval_required", None)] * len(approvals)
        self.queued_again(job)
        job.pending = approvals

    def decided(self, job: Job, approval: str) -> None:
        job.pending.remove(approval)
        job.log.append(("approval_decided", None))

    def moved_to(self, today: int, first_days: dict[str, int]) -> None:
        """Let another day begin: what a cap or a budget has granted before counts for that day."""
        self.today, self.first_days = today, first_days
        for key in self.keys:
            key.most = key.cap
        for budget in self.budgets:
            budget.most = max(budget.limit, self.spent_of(budget))

    def cap(self, key: Key, cap: int | None) -> None:
        key.most = None if key.most is None or cap is None else max(key.most, cap)
        key.cap = cap

    def change_budget(self, budget: Budget, limit: int, enforce: bool) -> None:
        granted = max(budget.most, self.spent_of(budget))
        budget.limit, budget.enforce, budget.most = limit, enforce, max(granted, limit)

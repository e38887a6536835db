"""A seed always tells the same tale, or it would be no use to print it."""

from __future__ import annotations

from collections import Counter

from .faults import FAULTS
from .load import orders
from .storm import moments


def test_a_seed_always_draws_the_same_moments_and_orders() -> None:
    names = list(FAULTS)
    assert moments(7, names, seconds=60, pause=2) == moments(7, names, seconds=60, pause=2)
    assert moments(7, names, seconds=60, pause=2) != moments(8, names, seconds=60, pause=2)
    assert orders(7, 50, seconds=60) == orders(7, 50, seconds=60) != orders(8, 50, seconds=60)


def test_a_storm_has_every_fault_before_it_has_one_again() -> None:
    names = list(FAULTS)
    drawn = [moment.name for moment in moments(7, names, seconds=600, pause=2)]
    assert set(drawn[: len(names)]) == set(names)
    counted = Counter(drawn)
    assert max(counted.values()) - min(counted.values()) <= 1


def test_every_kind_of_job_is_asked_for_alike() -> None:
    counted = Counter(order.skill for order in orders(7, 90, seconds=60))
    assert counted["nap"] == 20  # half of them are called off
    assert {counted[skill] for skill in counted if skill != "nap"} == {10}

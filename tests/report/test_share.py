"""Shares of samples and what chance leaves open, against textbook formulas."""

import math

import numpy as np
import pytest

from snn_deploy.report.share import Share, change_interval

Z = 1.959963984540054  # of 95 %, both sides


@pytest.mark.parametrize(("count", "of"), [(0, 10), (97, 100), (100, 100), (1, 3), (9916, 10000)])
def test_the_interval_is_wilsons(count, of):
    p = count / of  # Wilson, JASA 22, 209 (1927)
    centre, spread = p + Z**2 / (2 * of), Z * math.sqrt(p * (1 - p) / of + Z**2 / (4 * of**2))
    low, high = ((centre + sign * spread) / (1 + Z**2 / of) for sign in (-1, 1))
    assert Share(count, of).interval == pytest.approx((low, high), abs=1e-9)


def test_a_change_of_nothing_is_open_to_both_sides():
    low, high = change_interval(Share(0, 100), Share(0, 100))
    assert (low, high) == pytest.approx((-0.037, 0.037), abs=2e-4)
    assert change_interval(Share(3, 100), Share(8, 100)) == pytest.approx(
        tuple(-x for x in reversed(change_interval(Share(8, 100), Share(3, 100))))
    )


def test_the_change_lies_in_its_interval_as_often_as_it_says():
    rng = np.random.default_rng(5)
    gained, lost, of = 0.04, 0.02, 400
    drawn = rng.multinomial(of, (gained, lost, 1 - gained - lost), size=2000)
    inside = 0
    for right, wrong in {(int(r), int(w)) for r, w, _ in drawn}:
        low, high = change_interval(Share(right, of), Share(wrong, of))
        inside += ((drawn[:, 0] == right) & (drawn[:, 1] == wrong)).sum() * (low <= gained - lost <= high)
    assert 0.93 < inside / len(drawn) < 0.98

"""cli/pace: how fast it goes, without what comes before the first part is done."""

import pytest

from snn_deploy.cli.pace import Pace


class _Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return _Clock()


def test_compiling_before_the_first_part_is_no_speed(clock):
    pace = Pace(clock=clock)
    clock.now += 24.0  # compiles
    pace.reached(32)
    assert pace.rate is None
    assert pace.seconds_left(320) is None
    clock.now += 0.5
    pace.reached(64)
    assert pace.rate == pytest.approx(64.0)
    assert pace.seconds_left(320) == pytest.approx(4.0)
    clock.now += 1.0
    assert pace.seconds_left(320) == pytest.approx(3.0)


def test_time_that_has_gone_by_is_no_time_left(clock):
    pace = Pace(clock=clock)
    for done in (10, 20):
        pace.reached(done)
        clock.now += 1.0
    clock.now += 60.0  # a slow backend has begun
    assert pace.seconds_left(40) is None
    pace.reached(40)
    assert pace.seconds_left(40) == 0.0


def test_it_is_the_rate_of_the_last_half_minute(clock):
    pace = Pace(clock=clock)
    for done in range(100):
        pace.reached(done)
        clock.now += 1.0
    for done in range(100, 110):
        clock.now += 9.0
        pace.reached(done)
    assert pace.rate == pytest.approx(1 / 9.0)
    assert Pace(recent=1e6, clock=clock).rate is None


def test_reports_that_follow_at_once_are_one(clock):
    pace = Pace(clock=clock)
    for done in range(1000):
        pace.reached(done)
        clock.now += 0.001
    assert pace.rate == pytest.approx(1000.0, rel=1e-6)
    assert len(pace._reports) < 20

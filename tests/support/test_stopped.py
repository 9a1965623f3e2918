"""support/stopped: an interrupt says what is kept, where something is."""

import pytest

from snn_deploy.support.stopped import Stopped, kept_when_stopped


def test_it_says_what_is_kept_at_that_moment():
    kept = None
    with pytest.raises(Stopped, match=r"^so far 3$"), kept_when_stopped(lambda: kept):
        kept = "so far 3"
        raise KeyboardInterrupt


def test_nothing_kept_is_an_interrupt_as_before_and_errors_pass():
    with pytest.raises(KeyboardInterrupt) as caught, kept_when_stopped(lambda: None):
        raise KeyboardInterrupt
    assert not isinstance(caught.value, Stopped)
    with pytest.raises(ValueError, match="other"), kept_when_stopped(lambda: "kept"):
        raise ValueError("other")

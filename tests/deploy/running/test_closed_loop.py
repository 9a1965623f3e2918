"""A series continued by a predictor, against a plain loop; and cut anywhere, it is shown the same windows."""

import numpy as np

from snn_deploy.deploy.running.closed_loop import continued, one_ahead

VALUES = np.array([1.0, 2.0, 4.0, 7.0, 3.0, 5.0])


def encode(values, where):
    """Show each window for two steps."""
    return np.repeat(values, 2, axis=0)


class Summing:
    """A predictor with a state: a weighted window and half of what it said before."""

    def __init__(self):
        self.before = 0.0
        self.windows = []

    def __call__(self, frames):
        found = []
        for window in frames[::2]:
            self.windows.append(window.tolist())
            self.before = 0.5 * self.before + 0.1 * window[0] + 0.2 * window[1]
            found.append(self.before)
        return np.array(found)


def by_hand(values, count):
    seen, state, said = list(values), 0.0, []
    for place in range(2, len(values) + count):
        state = 0.5 * state + 0.1 * seen[place - 2] + 0.2 * seen[place - 1]
        said.append(state)
        if place >= len(values):
            seen.append(state)
    return said, seen[len(values) :]


def test_each_prediction_is_the_next_input_and_the_state_goes_on():
    heard = []
    found = continued(Summing(), encode, VALUES, 2, 5, heard.append)
    np.testing.assert_allclose(found, by_hand(VALUES, 5)[1])
    assert sum(heard) == 4  # all but the first, which the true values bring


def test_one_value_ahead_is_from_the_true_values_alone():
    said, _ = by_hand(VALUES, 0)
    predictor = Summing()
    np.testing.assert_allclose(one_ahead(predictor, encode, VALUES, 2), said)
    assert predictor.windows == [VALUES[i : i + 2].tolist() for i in range(4)]

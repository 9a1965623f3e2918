"""What a FloatNetwork means and how it is stored, in numbers that can be worked out by hand."""

import numpy as np
import pytest
from helpers.random_float_network import random_float_network

from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import (
    KIND,
    FloatConnection,
    FloatInput,
    FloatNetwork,
    FloatPopulation,
    read_float_network,
    write_float_network,
)
from snn_deploy.support.array_file import write_array_file
from snn_deploy.support.user_error import UserError


def one_neuron(steps: int, *, threshold=1.0, voltage_keep=1.0, current_keep=0.0, **options) -> FloatNetwork:
    """A neuron whose input of 1..255 comes as that many quarters."""
    neuron = FloatPopulation("out", (1,), threshold, voltage_keep, current_keep, **options)
    synapse = FloatConnection("synapse", "input", "out", np.array([[0.25]]))
    return FloatNetwork(FloatInput("input", (1,), 255, 1.0), (neuron,), (synapse,), steps)


def outcome(network: FloatNetwork, values: list[int]) -> tuple[list[float], list[int]]:
    trace = float_semantics.run(network, np.array(values, np.uint8).reshape(-1, 1, 1))
    return trace.potentials["out"].ravel().tolist(), trace.spikes["out"].ravel().tolist()


def test_a_hard_reset_leaves_nothing_or_the_reset_value():
    assert outcome(one_neuron(3), [6, 1, 0]) == ([1.5, 0.25, 0.25], [1, 0, 0])
    assert outcome(one_neuron(3, reset_value=-0.5), [6, 1, 0]) == ([1.5, -0.25, -0.25], [1, 0, 0])


def test_a_soft_reset_takes_the_threshold_off():
    assert outcome(one_neuron(3, reset="subtract"), [6, 1, 1]) == ([1.5, 0.75, 1.0], [1, 0, 1])
    assert outcome(one_neuron(3, reset="subtract", fires_at_threshold=False), [6, 1, 1])[1] == [1, 0, 0]


def test_bias_and_initial_value_and_both_decays():
    assert outcome(one_neuron(2, bias=0.5), [0, 0]) == ([0.5, 1.0], [0, 1])
    assert outcome(one_neuron(2, initial_value=0.5, voltage_keep=0.5), [0, 0])[0] == [0.25, 0.125]
    assert outcome(one_neuron(3, current_keep=0.5, voltage_keep=0.5), [1, 0, 0])[0] == [0.25, 0.25, 0.1875]


def test_a_population_that_does_not_fire_only_accumulates():
    assert outcome(one_neuron(2, fires=False, reset="subtract", initial_value=1.0), [8, 1]) == ([3.0, 3.25], [0, 0])


def test_every_field_survives_its_file(tmp_path):
    network = one_neuron(2, bias=0.5, initial_value=-0.25, reset_value=0.125)
    for original in (network, one_neuron(2, reset="subtract"), random_float_network(np.random.default_rng(3))):
        write_float_network(original, tmp_path / "first.npz")
        restored = read_float_network(tmp_path / "first.npz")
        for p, q in zip(original.populations, restored.populations, strict=True):
            assert (p.name, p.shape, p.fires, p.reset) == (q.name, q.shape, q.fires, q.reset)
            for name in ("threshold", "voltage_keep", "current_keep", "bias", "reset_value", "initial_value"):
                np.testing.assert_array_equal(getattr(p, name), getattr(q, name))
        write_float_network(restored, tmp_path / "second.npz")
        assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


def test_a_file_of_version_1_is_refused_with_what_to_do(tmp_path):
    write_array_file(tmp_path / "network.npz", KIND, 1, {}, {})
    with pytest.raises(UserError, match=r"format version 1; this program reads version 2 or 3\. Make the file again"):
        read_float_network(tmp_path / "network.npz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reset": "soft"}, "reset 'soft'; allowed are 'value' and 'subtract'"),
        ({"reset": "subtract", "reset_value": 0.5}, "reset_value 0.5 beside reset 'subtract'"),
        ({"bias": np.nan}, r"bias\[0\] is nan"),
        ({"initial_value": np.inf}, r"initial_value\[0\] is inf"),
        ({"voltage_keep": 1.5}, "voltage_keep 1.5..1.5; allowed is 0..1"),
    ],
)
def test_an_impossible_neuron_is_refused(options, message):
    with pytest.raises(UserError, match=f"population 'out': {message}"):
        one_neuron(2, **options)

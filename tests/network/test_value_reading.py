"""How potentials become values: offset and scale, the steps in which they are read, and what a file may say of it."""

from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.deploy.verification.random_network import Features, random_network
from snn_deploy.network.integer_network import read_integer_network, write_integer_network
from snn_deploy.network.value_reading import ValueReading, gives_values, read_values, reading_of, require_classes
from snn_deploy.support.user_error import UserError

READING = ValueReading(np.array([1.0, -2.0]), np.array([0.5, 0.25]), every=2)


def network_of(reading):
    """Return a small network whose file says `reading`."""
    network = next(n for n in (random_network(seed, Features()) for seed in range(50)) if not n.output.fires)
    return replace(network, provenance={"values": reading})


def test_values_are_offset_plus_scale_times_the_potential_after_every_second_step():
    potentials = np.arange(16).reshape(4, 2, 2)  # (steps, samples, values)
    read = READING.values(READING.read_steps(potentials))
    np.testing.assert_array_equal(read[..., 0], 1 + 0.5 * potentials[[1, 3], :, 0])
    np.testing.assert_array_equal(read[..., 1], -2 + 0.25 * potentials[[1, 3], :, 1])


def test_a_scale_goes_with_the_unit_of_the_potentials_and_the_offset_does_not():
    found = READING.in_steps_of(np.array([0.5, 2.0]))
    assert (found.offset.tolist(), found.scale.tolist(), found.every) == ([1.0, -2.0], [0.25, 0.5], 2)


def test_a_network_says_in_its_file_how_its_values_are_read(tmp_path):
    plain = network_of({})
    count = int(np.prod(plain.output.shape))
    reading = ValueReading(np.arange(count), np.ones(count), every=3)
    network = network_of(reading.to_dict())
    write_integer_network(network, tmp_path / "network.npz")
    found = reading_of(read_integer_network(tmp_path / "network.npz"))
    assert found.to_dict() == reading.to_dict()
    assert gives_values(network)
    steps = np.arange(6 * 2 * count).reshape(6, 2, count)
    np.testing.assert_array_equal(read_values(network, steps), np.swapaxes(steps[[2, 5]] + np.arange(count), 0, 1))


@pytest.mark.parametrize(
    "stated",
    [
        {"offset": [0.0], "scale": [1.0, 2.0], "every": 1},
        {"offset": [0.0] * 500, "scale": [1.0] * 500, "every": 1},
    ],
)
def test_offsets_and_scales_that_are_not_those_of_its_output_are_refused(stated):
    with pytest.raises(UserError, match="values are read from the potentials"):
        reading_of(network_of(stated))


@pytest.mark.parametrize("stated", [{"offset": [0.0]}, {"offset": ["a"], "scale": [1.0], "every": 1}, 7])
def test_a_file_that_says_nothing_of_the_kind_is_refused(stated, tmp_path):
    write_integer_network(network_of(stated), tmp_path / "network.npz")
    with pytest.raises(UserError, match=r"provenance\.values"):
        read_integer_network(tmp_path / "network.npz")


def test_what_needs_classes_says_so():
    with pytest.raises(UserError, match="exits: needs a network that gives classes"):
        require_classes(network_of({"offset": [0.0], "scale": [1.0], "every": 1}), "exits")

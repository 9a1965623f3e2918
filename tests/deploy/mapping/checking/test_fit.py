"""What is suggested was tried: it fits when it is done."""

from dataclasses import fields, replace

import numpy as np
import pytest

import snn_deploy
from snn_deploy.deploy.mapping.checking.bottleneck import bottleneck
from snn_deploy.deploy.mapping.checking.fit import suggestions
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.placing.place_on_mesh import chips_needed
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI = load_profile("loihi1")


def two_layers(inputs, hidden, outputs, largest=60):
    rng = np.random.default_rng(0)
    populations, connections, source = [], [], "in"
    for name, neurons, heard in (("hidden", hidden, inputs), ("out", outputs, hidden)):
        zeros = np.zeros(neurons, int)
        populations.append(IntegerPopulation(name, (neurons,), zeros + 9, zeros + 4096, zeros, zeros))
        connections.append(
            IntegerConnection(name + "_w", source, name, rng.integers(-largest, largest + 1, (neurons, heard)))
        )
        source = name
    return IntegerNetwork(IntegerInput("in", (inputs,), 1), tuple(populations), tuple(connections), 1)


def with_quantity(name, value):
    return replace(LOIHI, quantities={**LOIHI.quantities, name: replace(LOIHI.quantity(name), value=value)})


def texts(network, profile, chips=None):
    found = partition(network, profile)
    return {s.what: s for s in suggestions(network, profile, found, chips)}


def test_a_fan_in_that_is_too_large_asks_for_pruned_channels():
    network = two_layers(4, 8000, 2, largest=3)
    found = texts(network, LOIHI)
    (prune,) = (text for text in found if text.startswith("prune"))
    # 4096 input axons: 3904 of 8000 neurons must go; in groups of an eighth that is four, 4000.
    assert prune.startswith("prune 4000 of 8000 channels of 'hidden'")
    assert not any("bits" in text for text in found)  # they save no axons


def test_more_chips_or_fewer_bits_are_suggested_where_chips_are_few():
    chip = with_quantity("system.cores_usable_per_chip", 1)
    network = two_layers(1000, 300, 2)
    needed = len(partition(network, chip).cores)
    assert needed > 1
    found = texts(network, chip, chips=needed - 1)
    assert found[f"allow more chips: --chips {needed}"].cores == needed
    (bits,) = (text for text in found if "bits" in text)
    assert found[bits].chips < needed
    assert "another chip: --profile loihi2" in found


def test_the_bottleneck_is_the_fullest_resource():
    network = two_layers(3000, 5, 2)
    found = partition(network, LOIHI)
    resource, share = bottleneck(found.uses[0], LOIHI)
    assert (resource, share) == ("input axons", 3005 / 4096)


def test_the_chips_that_are_suggested_suffice():
    chip = with_quantity("system.cores_usable_per_chip", 1)
    network = two_layers(1000, 300, 2)
    few = len(partition(network, chip).cores) - 1
    suggested = next(s for text, s in texts(network, chip, few).items() if text.startswith("allow more chips"))
    assert chips_needed(partition(network, chip), chip) == suggested.chips == int(suggested.what.split()[-1])


def floats(inputs, hidden):
    """Return a network in floats whose weights are of a wide range."""
    rng = np.random.default_rng(1)
    return FloatNetwork(
        FloatInput("in", (inputs,), 1, 1.0),
        (FloatPopulation("hidden", (hidden,), 0.5, 1.0, 0.0), FloatPopulation("out", (2,), 0.5, 1.0, 0.0)),
        (
            FloatConnection("a", "in", "hidden", rng.normal(size=(hidden, inputs)) / inputs),
            FloatConnection("b", "hidden", "out", rng.normal(size=(2, hidden)) / hidden),
        ),
        1,
    )


@pytest.mark.parametrize("chips", [5, 4, 3, 2])
def test_an_export_with_the_bits_that_are_suggested_fits(chips, tmp_path):
    chip = with_quantity("system.cores_usable_per_chip", 1)
    source = floats(1000, 700)
    network = snn_deploy.export(source, chip="loihi1").network
    assert len(partition(network, chip).cores) > chips
    (suggested,) = (s for text, s in texts(network, chip, chips).items() if "bits" in text)
    bits = int(suggested.what.split("--weight-bits ")[1])
    again = snn_deploy.export(source, chip="loihi1", weight_bits=bits).network
    assert len(partition(again, chip).cores) <= suggested.cores <= chips


def test_pruned_as_suggested_it_fits():
    network = two_layers(4, 8000, 2, largest=3)
    (suggested,) = (s for text, s in texts(network, LOIHI).items() if text.startswith("prune"))
    pruned = int(suggested.what.split()[1])
    first, second = network.connections
    kept = np.sort(np.argsort(np.abs(second.weights).sum(axis=0), kind="stable")[pruned:])  # by hand, not by fit.py
    hidden = network.populations[0]
    smaller = replace(
        network,
        populations=(
            replace(
                hidden,
                shape=(len(kept),),
                **{
                    field.name: getattr(hidden, field.name)[kept]
                    for field in fields(hidden)
                    if isinstance(getattr(hidden, field.name), np.ndarray)
                },
            ),
            network.populations[1],
        ),
        connections=(
            replace(first, weights=first.weights[kept]),
            replace(second, weights=second.weights[:, kept]),
        ),
    )
    found = partition(smaller, LOIHI)
    assert (found.violations, len(found.cores)) == ((), suggested.cores)


def test_the_other_chip_that_is_suggested_holds_it():
    chip = with_quantity("system.cores_usable_per_chip", 1)
    network = two_layers(1000, 300, 2)
    suggested = texts(network, chip, 1)["another chip: --profile loihi2"]
    assert len(partition(network, load_profile("loihi2")).cores) == suggested.cores
    assert snn_deploy.place(network, chip="loihi2", chips=1).cores == suggested.cores

"""What is suggested was tried: it fits when it is done."""

from dataclasses import replace

import numpy as np

from snn_deploy.deploy.mapping.checking.fit import bottleneck, suggestions
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI = load_profile("loihi1")


def two_layers(inputs, hidden, outputs):
    rng = np.random.default_rng(0)
    populations, connections, source = [], [], "in"
    for name, neurons, heard in (("hidden", hidden, inputs), ("out", outputs, hidden)):
        zeros = np.zeros(neurons, int)
        populations.append(IntegerPopulation(name, (neurons,), zeros + 9, zeros, zeros, zeros))
        connections.append(IntegerConnection(name + "_w", source, name, rng.integers(1, 127, (neurons, heard))))
        source = name
    return IntegerNetwork(IntegerInput("in", (inputs,)), tuple(populations), tuple(connections), 1)


def with_quantity(name, value):
    return replace(LOIHI, quantities={**LOIHI.quantities, name: replace(LOIHI.quantity(name), value=value)})


def texts(network, profile, chips=None):
    found = partition(network, profile)
    return {s.what: s for s in suggestions(network, profile, found, chips)}


def test_a_fan_in_that_is_too_large_asks_for_pruned_channels():
    network = two_layers(4, 8000, 2)
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

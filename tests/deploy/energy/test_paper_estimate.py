import json

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.energy.paper_estimate import energy_of_counts, estimate_energy
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

MILLION, MICROJOULE, PICOJOULE = 1e6, 1e-6, 1e-12


@pytest.fixture(scope="module")
def cmos45():
    return load_profile("cmos45")


@pytest.mark.parametrize(
    ("additions", "multiplications", "microjoules"),
    [(2285, 2285, 12567.5), (187, 187, 1028.5), (142, 8.80, 168.28), (360, 6.8, 355.28), (71.2, 3.52, 80.272)],
)
def test_the_rows_of_dspike_table_3_are_microjoules(cmos45, additions, multiplications, microjoules):
    found = energy_of_counts(additions * MILLION, multiplications * MILLION, cmos45)
    assert found == pytest.approx(microjoules * MICROJOULE, rel=1e-12)


def test_dspike_table_3_counts_the_addition_of_a_multiplication_twice(cmos45):
    counts = {"ann": (187 * MILLION, 187 * MILLION), "snn": (71.2 * MILLION, 3.52 * MILLION)}
    printed = {n: energy_of_counts(*c, cmos45) for n, c in counts.items()}
    once = {n: energy_of_counts(*c, cmos45, multiplication="energy.op.fp32_multiply") for n, c in counts.items()}
    assert printed["ann"] / printed["snn"] == pytest.approx(12.8, abs=0.05)
    assert once["ann"] == pytest.approx(860 * MICROJOULE, abs=0.5 * MICROJOULE)
    assert once["snn"] == pytest.approx(77.1 * MICROJOULE, abs=0.05 * MICROJOULE)
    assert once["ann"] / once["snn"] == pytest.approx(11.2, abs=0.05)


def network(largest_value: int) -> IntegerNetwork:
    """A 3x3 convolution without padding over 6x6, pooled 2x2, then two classes; 3 steps."""
    populations = (
        IntegerPopulation("conv", (2, 4, 4), 0, 0, 0, 0),
        IntegerPopulation("out", (2,), 0, 4096, 0, 0, fires=False),
    )
    connections = (
        IntegerConnection("first", "input", "conv", np.ones((2, 1, 3, 3))),
        IntegerConnection("second", "conv", "out", np.ones((2, 8)), pool=(2, 2)),
    )
    return IntegerNetwork(IntegerInput("input", (1, 6, 6), largest_value), populations, connections, 3)


def test_a_graded_input_is_multiplied_in_every_step_and_its_additions_are_not_counted_again(cmos45):
    # first: 16 positions * 9 taps * 2 channels = 288 multiply-accumulates, in 3 steps.
    # second: every one of 32 neurons fires in 3 steps and reaches 2 classes: 192 additions.
    net = network(255)
    counts = cpu.run(net, np.full((5, 1, 6, 6), 9, np.uint8)).synaptic_operations
    estimate = estimate_energy(net, counts, cmos45)
    rows = [(t.connection, t.operation, t.count) for t in estimate.spiking]
    assert rows == [("first", "multiply-accumulate", 864.0), ("second", "addition", 192.0)]
    assert estimate.total == pytest.approx((864 * 4.6 + 192 * 0.9) * PICOJOULE)


def test_spikes_as_input_are_only_added(cmos45):
    net = network(1)
    image = np.zeros((2, 1, 6, 6), np.uint8)
    image[0, 0, 2, 2] = 1  # seen by 9 positions of 2 channels, in 3 steps; the other sample is dark: 27 on average
    estimate = estimate_energy(net, cpu.run(net, image).synaptic_operations, cmos45)
    assert [t.operation for t in estimate.spiking] == ["addition", "addition"]
    assert estimate.spiking[0].count == 27
    # 18 neurons fire, of both channels, in 3 steps, and reach 2 classes; nothing in the dark.
    assert estimate.spiking[1].count == 18 * 3 * 2 / 2
    assert estimate.total == pytest.approx((27 + 54) * 0.9 * PICOJOULE)


def test_the_equal_ann_multiplies_every_connection_once(cmos45):
    net = network(255)
    counts = cpu.run(net, np.zeros((1, 1, 6, 6), np.uint8)).synaptic_operations
    estimate = estimate_energy(net, counts, cmos45)
    assert [(t.connection, t.count) for t in estimate.equal_ann] == [("first", 288.0), ("second", 16.0)]
    assert estimate.equal_ann_total == pytest.approx((288 + 16) * 4.6 * PICOJOULE)


def test_every_term_has_its_source_and_the_terms_sum_to_the_total(cmos45):
    net = network(255)
    estimate = estimate_energy(net, cpu.run(net, np.ones((2, 1, 6, 6), np.uint8)).synaptic_operations, cmos45)
    plain = json.loads(json.dumps(estimate.as_json()))
    assert "estimate" in plain["title"]
    assert plain["left_out"]
    for rows, total in (("spiking", "total"), ("equal_ann", "equal_ann_total")):
        assert sum(row["count"] * row["unit_cost"] for row in plain[rows]) == pytest.approx(plain[total], rel=1e-12)
        assert all("Horowitz" in row["source"] and row["confidence"] == "sure" for row in plain[rows])


def test_a_neurocore_profile_is_refused_with_the_profile_to_use():
    net = one_neuron(1, steps=1)
    with pytest.raises(UserError, match=r"no energies of arithmetic. Take the profile cmos45"):
        estimate_energy(net, {"synapse": np.ones(1)}, load_profile("loihi1"))


def test_no_samples_give_no_estimate(cmos45):
    with pytest.raises(UserError, match="no samples"):
        estimate_energy(network(1), {"first": np.zeros(0), "second": np.zeros(0)}, cmos45)

"""The estimates in integers and with memory, against a network worked out by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.energy.memory_estimates import integer_estimates
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

PJ = 1e-12
# A word of 64 bits costs 20 pJ from 32 KiB and 100 pJ from 1 MiB (Horowitz 2014); 128 KiB is 2 of 5 octaves further.
WEIGHT, STATE, ACCUMULATOR, TABLE = (20 + 80 * 2 / 5) * 8 / 64, 20 * 8 / 64, 20 * 24 / 64, 20.0


def network(largest_value: int) -> IntegerNetwork:
    populations = (
        IntegerPopulation("hidden", (3,), 0, 0, 0, 0),  # type: ignore[arg-type]
        IntegerPopulation("out", (2,), 0, 4096, 0, 0, fires=False),  # type: ignore[arg-type]
    )
    connections = (
        IntegerConnection("first", "input", "hidden", np.ones((3, 4))),
        IntegerConnection("second", "hidden", "out", np.ones((2, 3))),
    )
    return IntegerNetwork(IntegerInput("input", (4,), largest_value), populations, connections, 5)


def estimates(largest_value: int, hidden: IntegerPopulation | None = None):
    """Four inputs that are on: three neurons fire in each of five steps. hidden: in place of theirs."""
    net = network(largest_value)
    if hidden is not None:
        net = replace(net, populations=(hidden, net.output))
    ran = cpu.run(net, np.ones((2, 4), np.uint8))
    return integer_estimates(net, ran.synaptic_operations, ran.spike_counts, load_profile("cmos45"))


def sums(terms) -> Counter[str]:
    """Return operation without its memory -> picojoules."""
    found: Counter[str] = Counter()
    for t in terms:
        found[t.operation.split(",")[0]] += t.energy / PJ
    return found


def test_spikes_add_and_pixels_multiply():
    of_spikes, of_pixels = estimates(1)[0], estimates(255)[0]
    assert of_spikes.total == pytest.approx((4 * 3 + 3 * 2) * 5 * 0.1 * PJ)
    assert of_pixels.total == pytest.approx((4 * 3 * 0.3 + 3 * 2 * 0.1) * 5 * PJ)
    assert of_spikes.equal_ann_total == of_pixels.equal_ann_total == pytest.approx((4 * 3 + 3 * 2) * 0.3 * PJ)


def test_every_operand_state_and_table_is_paid_for():
    operations, updates = (4 * 3 + 3 * 2) * 5, (3 + 2) * 5
    assert sums(estimates(1)[1].spiking) == pytest.approx(
        {
            "addition of 8 bits to 32": operations * 0.1,
            "weight read": operations * WEIGHT,
            "accumulator read and write": operations * 2 * ACCUMULATOR,
            "two states read and written": updates * 4 * ACCUMULATOR,
            "leak": updates * 3.1,
            "update": updates * 2 * 0.1,
            "table looked up for a spike": (4 + 3) * 5 * TABLE,
        }
    )
    adapting = replace(network(1).populations[0], threshold_step=9)  # silent after the first step changes no update
    assert sums(estimates(1, adapting)[1].spiking)["rise of the threshold read and written"] == pytest.approx(
        3 * 5 * 2 * ACCUMULATOR
    )
    assert sums(estimates(255)[1].spiking)["pixel read"] == pytest.approx(4 * 3 * 5 * STATE)


def test_the_ann_reads_every_operand_for_each_product_or_once():
    _, anew, once = estimates(1)
    products = 4 * 3 + 3 * 2
    assert sums(anew.equal_ann) == pytest.approx(
        {"multiply-accumulate": products * 0.3, "weight read": products * WEIGHT, "activation read": products * STATE}
    )
    assert sums(once.equal_ann) == pytest.approx(
        {"multiply-accumulate": products * 0.3, "weight read": products * WEIGHT, "activation read": (4 + 3) * STATE}
    )  # a dense layer uses each weight once anyway
    assert anew.spiking == once.spiking


def test_every_term_has_a_source_and_what_is_derived_is_an_assumption():
    for estimate in estimates(255):
        for t in (*estimate.spiking, *estimate.equal_ann):
            assert t.source and t.confidence in ("sure", "assumption")
            assert (t.confidence == "assumption") == (" KiB" in t.operation)
        assert estimate.total == pytest.approx(sum(t.count * t.unit_cost for t in estimate.spiking))

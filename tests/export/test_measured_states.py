"""Scales that keep what was measured within the chip's bits, beside those that keep every input."""

import numpy as np
import pytest

from snn_deploy.export.to_integer_network import ExportOptions, Measured, to_integer_network
from snn_deploy.network import integer_semantics
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.integer_network import read_integer_network, write_integer_network
from snn_deploy.network.largest_states import largest_states
from snn_deploy.network.state_units import LARGEST_STATE
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.user_error import UserError

STEPS = 1000


def long_network(rng):
    """Return 8 perfect integrators of 1000 steps, whose proof lets inhibition pile up as if nothing else came."""
    layer = FloatPopulation("layer", (8,), np.asarray(1.0), np.asarray(1.0), np.asarray(0.0))
    output = FloatPopulation("output", (3,), np.asarray(1.0), np.asarray(1.0), np.asarray(0.0), fires=False)
    weights = rng.normal(0.2, 0.4, (8, 20))  # on random inputs they all rise
    return FloatNetwork(
        FloatInput("input", (20,), 1, 1.0),
        (layer, output),
        (
            FloatConnection("in", "input", "layer", weights),
            FloatConnection("out", "layer", "output", rng.normal(size=(3, 8))),
        ),
        STEPS,
    )


def measured_on(frames, margin):
    return ExportOptions(measured=Measured(lambda folded: largest_states(folded, frames), margin, frames.shape[1], "x"))


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def network(rng):
    return long_network(rng)


@pytest.fixture
def frames(rng):
    return (rng.random((STEPS, 6, 20)) < 0.5).astype(np.uint8)


def test_the_proof_costs_bits_that_measured_states_leave_to_the_weights(network, frames):
    proved, measured = (
        to_integer_network(network, Limits()),
        to_integer_network(network, Limits(), measured_on(frames, 2)),
    )
    before, after = (export.fits["layer"] for export in (proved, measured))
    assert before.bits_for_states.max() > 0.7
    assert after.bits_for_states.max() < before.bits_for_states.max() - 0.7
    # They are the bits of the weight step.
    step_before, step_after = (float(f.units.max() * 2.0 ** min(f.exponents)) for f in (before, after))
    gained = before.bits_for_states.max() - after.bits_for_states.max()
    assert np.log2(step_before / step_after) == pytest.approx(gained, abs=0.2)
    assert not any(bounds.can_overflow for bounds in proved.bounds.values())
    assert any(bounds.can_overflow for bounds in measured.bounds.values())


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("margin", [1, 2, 5])
def test_the_measured_states_times_the_margin_fit_the_bits(network, frames, margin, per_channel):
    export = to_integer_network(network, Limits(per_channel=per_channel), measured_on(frames, margin))
    for name, states in export.largest_states.items():
        share = states.largest * margin / export.fits[name].units * 64 / LARGEST_STATE
        proved = np.maximum(export.bounds[name].current, export.bounds[name].potential) <= LARGEST_STATE
        assert (proved | (share <= 1)).all()
        if export.fits[name].lowered_by_bounds.all():
            assert share.max() > 0.4  # room that is asked for, and not much more


def test_the_record_of_the_file_says_what_was_measured(network, frames, tmp_path):
    export = to_integer_network(network, Limits(), measured_on(frames, 2.5))
    write_integer_network(export.network, tmp_path / "network.npz")
    read = read_integer_network(tmp_path / "network.npz")
    assert read.provenance["export"]["states"] == {"from": "x", "samples": 6, "margin": 2.5}
    assert read.digest == export.network.digest
    assert "states" not in to_integer_network(network, Limits()).network.provenance["export"]


def test_an_input_beyond_what_was_measured_saturates(network, frames):
    export = to_integer_network(network, Limits(), measured_on(frames, 1))
    weights = export.network.connections_to("layer")[0].weights.astype(int)
    worst = (weights[weights.sum(axis=1).argmin()] < 0).astype(np.uint8)
    shown = np.broadcast_to(worst, (STEPS, 1, 20))
    saturated = [states["layer"].is_saturated.any() for states in integer_semantics.steps(export.network, shown)]
    assert any(saturated)
    none = [states["layer"].is_saturated.any() for states in integer_semantics.steps(export.network, frames * 0)]
    assert not any(none)


def test_a_network_that_loses_nothing_to_its_proof_is_the_same_measured(rng):
    network = FloatNetwork(
        FloatInput("input", (4,), 1, 1.0),
        (FloatPopulation("output", (2,), np.asarray(1.0), np.asarray(0.5), np.asarray(0.0), fires=False),),
        (FloatConnection("in", "input", "output", rng.normal(size=(2, 4))),),
        2,
    )
    proved = to_integer_network(network, Limits())
    measured = to_integer_network(network, Limits(), measured_on(np.ones((2, 1, 4), np.uint8), 2))
    assert not proved.fits["output"].lowered_by_bounds.any()
    np.testing.assert_array_equal(proved.network.connections[0].weights, measured.network.connections[0].weights)


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_margin_wider_than_what_any_input_can_cause_costs_no_more_than_the_proof(network, frames, per_channel):
    limits = Limits(per_channel=per_channel)
    proved = to_integer_network(network, limits)
    measured = to_integer_network(network, limits, measured_on(frames, 1e6))
    for one, other in zip(proved.network.connections, measured.network.connections, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("margin", [0.5, 0, -1, float("nan"), float("inf")])
def test_a_margin_below_one_is_refused(network, frames, margin):
    with pytest.raises(UserError, match="allowed is a number from 1"):
        to_integer_network(network, Limits(), measured_on(frames, margin))


def test_a_chip_of_narrower_states_is_refused_because_it_does_something_else_beyond_them(network, frames):
    with pytest.raises(UserError, match="states have 16 bits"):
        to_integer_network(network, Limits(state_bits=16), measured_on(frames, 2))


def test_what_arrives_in_a_step_is_still_proved_where_the_chip_adds_in_fewer_bits(network, frames):
    export = to_integer_network(network, Limits(accumulator_bits=14), measured_on(frames, 1))
    for name in ("layer", "output"):
        (connection,) = export.network.connections_to(name)
        rows = connection.weights.astype(np.int64) << connection.exponent
        assert max(rows.clip(min=0).sum(axis=1).max(), -rows.clip(max=0).sum(axis=1).min()) * 64 < 2**13

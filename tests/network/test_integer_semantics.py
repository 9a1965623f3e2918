"""The published arithmetic, in numbers worked out by hand; each test runs on the reference and on the CPU backend.

Sources: Loihi as Lava 0.10 defines it (lava/proc/lif/models.py, AbstractPyLifModelFixed).
"""

from collections.abc import Callable

import numpy as np
import pytest
from helpers.small_network import frames, one_kernel, one_neuron
from hypothesis import given
from hypothesis import strategies as st

from snn_deploy.deploy.backends import cpu
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
)

HALF = 2**23


def semantics_outcome(network: IntegerNetwork, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    trace = integer_semantics.run(network, inputs)
    return trace.spikes["out"], trace.potentials["out"][-1]


def cpu_outcome(network: IntegerNetwork, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    simulation = cpu.run(network, inputs, record=True)
    assert simulation.spikes is not None
    return simulation.spikes["out"], simulation.outputs.reshape(-1, *network.output.shape)


Outcome = Callable[[IntegerNetwork, np.ndarray], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(params=[semantics_outcome, cpu_outcome], ids=["semantics", "cpu"])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """(network, frames) -> the spikes of `out`, and its last potential where it never fires."""
    return request.param


def spikes(outcome: Outcome, network: IntegerNetwork, values: list[int]) -> list[int]:
    inputs = network.input.shape[0]
    return outcome(network, frames(values, inputs))[0].ravel().tolist()


def potential(outcome: Outcome, values: list[int], **parameters: int) -> int:
    network = one_neuron(steps=len(values), fires=False, **parameters)
    return int(outcome(network, frames(values, network.input.shape[0]))[1].item())


def test_it_fires_only_strictly_above_the_threshold(outcome):
    network = one_neuron(5, threshold=10, steps=6)
    assert spikes(outcome, network, [1] * 6) == [0, 0, 1, 0, 0, 1]  # 5, 10 (equal: silent), 15 (fires), 5, ...


def test_a_threshold_counts_64_state_units(outcome):
    # A bias is in state units: 10 * 64 = 640 is the threshold itself, one more fires.
    assert spikes(outcome, one_neuron(0, threshold=10, bias=640, voltage_keep=0, steps=2), [0, 0]) == [0, 0]
    assert spikes(outcome, one_neuron(0, threshold=10, bias=641, voltage_keep=0, steps=2), [0, 0]) == [1, 1]


def test_a_weight_counts_64_state_units(outcome):
    assert potential(outcome, [1], weight=3) == 3 * 64
    assert potential(outcome, [7], weight=-3) == -3 * 7 * 64


@pytest.mark.parametrize("exponent", [0, 1, 7])
def test_an_exponent_multiplies_the_weight_by_a_power_of_two(outcome, exponent):
    assert potential(outcome, [5], weight=3, exponent=exponent) == 15 * 2**exponent * 64


def test_a_bias_is_added_in_state_units_in_every_step(outcome):
    assert potential(outcome, [0, 0, 0], bias=-7) == -21


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (4096, 66),  # no decay: 65 + 1
        (2048, 33),  # 65 / 2 = 32.5 -> 32, then + 1
        (1024, 17),  # 65 / 4 = 16.25 -> 16, then + 1
        (4095, 65),  # 65 * 4095 / 4096 = 64.98 -> 64, then + 1
        (0, 1),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_potential_decays_by_keep_in_4096_rounded_toward_zero(outcome, keep, expected, sign):
    # First step: 64 from the synapse and 1 from the bias. Second step: the decayed 65 and 1 from the bias.
    assert potential(outcome, [1, 0], weight=sign, bias=sign, voltage_keep=keep) == sign * expected


@pytest.mark.parametrize("sign", [1, -1])
def test_the_current_decays_rounded_toward_zero(outcome, sign):
    # The current: 64, then 64 * 1000 / 4096 = 15.625 -> 15, then 15 * 1000 / 4096 = 3.66 -> 3.
    values = {steps: potential(outcome, [1] + [0] * (steps - 1), weight=sign, voltage_keep=0, current_keep=1000)
              for steps in (1, 2, 3)}  # fmt: skip
    assert values == {1: sign * 64, 2: sign * 15, 3: sign * 3}


def test_the_potential_takes_the_current_of_the_same_step(outcome):
    # Current 64, 32 + 64 = 96; potential 64, 64 + 96 = 160.
    assert potential(outcome, [1, 1], current_keep=2048) == 160


def test_the_current_wraps_once_beyond_2_to_the_23(outcome):
    # 131072 * 64 = 2^23 stays; the potential saturates one below. 131073 * 64 = 2^23 + 64 comes back at the bottom.
    at_the_bound = {"weight": 32, "inputs": 32, "exponent": 7}  # input 1 brings 32 * 32 * 2^7 = 131072
    assert potential(outcome, [1], **at_the_bound) == HALF - 1
    assert potential(outcome, [1], **at_the_bound, bias=-HALF + 1) == 1
    beyond = IntegerNetwork(
        IntegerInput("input", (33,)),
        (IntegerPopulation("out", (1,), 0, 0, 0, 0, fires=False),),
        (
            IntegerConnection("many", "input", "out", np.array([[32] * 32 + [0]]), exponent=7),
            IntegerConnection("one", "input", "out", np.array([[0] * 32 + [1]])),
        ),
        1,
    )
    assert outcome(beyond, np.ones((1, 1, 33), np.uint8))[1].item() == -HALF + 64


def test_the_current_wraps_at_minus_2_to_the_23_itself(outcome):
    # -2^23 is outside: it becomes +2^23. One step of 64 above it stays.
    assert potential(outcome, [1], weight=-32, inputs=32, exponent=7, bias=-HALF + 1) == 1
    assert potential(outcome, [1], weight=-31, inputs=32, exponent=7) == -31 * 32 * 128 * 64


def test_the_current_wraps_only_once_in_a_step(outcome):
    # 3 * 2^24 less one wrap of 2^24 is 2^25, which saturates the potential; two more wraps would give 0.
    assert potential(outcome, [6], weight=32, inputs=32, exponent=7) == HALF - 1
    # ... and a kept current of 2^25 comes back with the next step: 2^25 - 2^24 = 2^24.
    assert potential(outcome, [6, 0, 0], weight=32, inputs=32, exponent=7, current_keep=4096, voltage_keep=0) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_the_potential_saturates_one_below_2_to_the_23(outcome, sign):
    half_way = {"weight": sign * 32, "inputs": 16, "exponent": 7}  # 2^22 a step
    assert potential(outcome, [1], **half_way) == sign * HALF // 2
    assert potential(outcome, [1, 1], **half_way) == sign * (HALF - 1)
    assert potential(outcome, [1, 1, 1], **half_way) == sign * (HALF - 1)


def test_the_states_that_their_24_bits_change_are_told_in_the_step_in_which_it_happens():
    """2 x 255 x 127 x 2^7 state units and more arrive in steps 1 and 3; a potential of 2^23 - 1 stays there."""
    network = one_neuron(127, exponent=7, steps=4, fires=False, inputs=2, bias=2**23 - 1)
    told = [state["out"] for state in integer_semantics.steps(network, frames([0, 255, 0, 255], inputs=2))]
    assert [bool(state.is_wrapped.item()) for state in told] == [False, True, False, True]
    # 2 x 255 x 127 x 2^13 is 31 x 2^24 and more: one wrap leaves it far above, and the potential saturates.
    assert [bool(state.is_saturated.item()) for state in told] == [False, True, True, True]
    assert [state.potential.item() for state in told] == [2**23 - 1] * 4


def test_a_state_at_the_end_of_its_24_bits_is_not_told():
    network = one_neuron(1, steps=2, fires=False, bias=2**23 - 1, voltage_keep=0)
    told = [state["out"] for state in integer_semantics.steps(network, frames([0, 0]))]
    assert not any(state.is_wrapped.any() or state.is_saturated.any() for state in told)


def test_a_spike_resets_the_potential_to_zero_in_its_own_step(outcome):
    # 7 > 6 fires and leaves nothing: without decay the next spike needs 7 again, not 1. A later or softer reset
    # would fire again at once.
    assert spikes(outcome, one_neuron(7, threshold=6, steps=5), [1, 0, 0, 1, 0]) == [1, 0, 0, 1, 0]
    assert spikes(outcome, one_neuron(4, threshold=6, steps=6), [1] * 6) == [0, 1, 0, 1, 0, 1]


def test_a_soft_reset_takes_the_threshold_off(outcome):
    # 11 - 6 leaves 5; 5 + 2 fires and leaves 1; 1 + 6 fires and leaves 1; 1 + 5 is 6, not above it.
    network = one_neuron(1, threshold=6, steps=5, reset="subtract")
    assert spikes(outcome, network, [11, 2, 6, 5, 0]) == [1, 1, 1, 0, 0]
    # 20, 14, 8, 2: one spike a step, however far above.
    assert spikes(outcome, one_neuron(1, threshold=6, steps=5, reset="subtract"), [20, 0, 0, 0, 0]) == [1, 1, 1, 0, 0]


@pytest.mark.parametrize(("value", "expected"), [(64, [1, 0, 1, 0]), (-64, [1, 0, 0, 1]), (7 * 64, [1, 1, 1, 1])])
def test_a_spike_sets_the_potential_to_the_reset_value(outcome, value, expected):
    # Threshold 6, first 7, then 3 a step: from 1: 4, 7 fires; from -1: 2, 5, 8 fires; from 7 at once.
    assert spikes(outcome, one_neuron(1, threshold=6, steps=4, reset_value=value), [7, 3, 3, 3]) == expected


def test_the_initial_value_decays_in_the_first_step(outcome):
    # 65 / 2 = 32.5 -> 32, then 16; toward zero from below as well.
    assert potential(outcome, [0], initial_value=65, voltage_keep=2048) == 32
    assert potential(outcome, [0, 1], initial_value=-65, voltage_keep=2048) == -16 + 64
    assert spikes(outcome, one_neuron(1, threshold=6, steps=3, initial_value=5 * 64), [1, 1, 1]) == [0, 1, 0]


def test_a_population_that_never_fires_has_an_initial_value_and_no_reset(outcome):
    network = one_neuron(1, threshold=0, steps=2, fires=False, initial_value=-7, reset_value=1000)
    assert outcome(network, frames([3, 3]))[1].item() == 6 * 64 - 7


def test_a_spike_leaves_the_current_as_it_is(outcome):
    # The current stays at 7 and fires again and again.
    assert spikes(outcome, one_neuron(7, threshold=6, current_keep=4096, steps=4), [1, 0, 0, 0]) == [1, 1, 1, 1]


def test_a_population_that_does_not_fire_keeps_its_potential(outcome):
    network = one_neuron(100, threshold=1, steps=3, fires=False)
    out, last = outcome(network, frames([1, 1, 1]))
    assert not out.any()
    assert last.item() == 3 * 100 * 64


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 4])
def test_a_delay_shifts_what_arrives_by_its_steps(outcome, delay):
    network = one_neuron(1, steps=4, voltage_keep=0, delay=delay)
    assert spikes(outcome, network, [1, 0, 1, 1]) == ([0] * delay + [1, 0, 1, 1])[:4]


@pytest.mark.parametrize("delay", [1, 2])
def test_a_loop_brings_the_spikes_of_earlier_steps(outcome, delay):
    network = one_neuron(1, steps=6, voltage_keep=0, loop=(1, delay))
    expected = [1 if t % delay == 0 else 0 for t in range(6)]
    assert spikes(outcome, network, [1, 0, 0, 0, 0, 0]) == expected


def test_a_connection_back_to_an_earlier_population_brings_its_last_step(outcome):
    populations = tuple(IntegerPopulation(n, (1,), 0, 0, 0, 0) for n in ("first", "out"))
    connections = (
        IntegerConnection("in", "input", "out", np.array([[1]])),
        IntegerConnection("back", "out", "first", np.array([[1]]), delay=1),
        IntegerConnection("forth", "first", "out", np.array([[1]])),
    )
    network = IntegerNetwork(IntegerInput("input", (1,)), populations, connections, 4)
    # out fires at 0; first hears it at 1 and out hears first in the same step; and so on.
    assert spikes(outcome, network, [1, 0, 0, 0]) == [1, 1, 1, 1]


def test_a_spike_crosses_a_feed_forward_network_in_its_own_step(outcome):
    populations = tuple(IntegerPopulation(n, (1,), 0, 0, 0, 0) for n in ("first", "out"))
    connections = (
        IntegerConnection("a", "input", "first", np.array([[1]])),
        IntegerConnection("b", "first", "out", np.array([[1]])),
    )
    network = IntegerNetwork(IntegerInput("input", (1,)), populations, connections, 3)
    assert spikes(outcome, network, [0, 1, 0]) == [0, 1, 0]


def test_a_kernel_is_not_flipped(outcome):
    # A single pixel in the middle: the map shows the kernel turned by half a turn, as a cross-correlation does.
    network = one_kernel([[1, 2, 3], [4, 5, 6], [7, 8, 9]], 3, padding=(1, 1))
    image = np.zeros((1, 1, 1, 3, 3), np.uint8)
    image[..., 1, 1] = 1
    shown = outcome(network, image)[1][0, 0] // 64
    assert shown.tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]


def test_pooling_sums_whole_windows_and_leaves_a_remainder_out(outcome):
    network = one_kernel([[1]], 5, pool=(2, 2))
    image = np.arange(25, dtype=np.uint8).reshape(1, 1, 1, 5, 5)
    # 0 + 1 + 5 + 6 = 12, 2 + 3 + 7 + 8 = 20, and so on; row and column 4 are outside.
    assert (outcome(network, image)[1][0, 0] // 64).tolist() == [[12, 20], [52, 60]]


def test_each_channel_has_its_own_parameters(outcome):
    neurons = IntegerPopulation("out", (3,), [2, 2, 4], [4096, 0, 4096], [0, 0, 0], [0, 0, 64])
    connection = IntegerConnection("synapse", "input", "out", np.array([[2], [2], [1]]))
    network = IntegerNetwork(IntegerInput("input", (1,)), (neurons,), (connection,), 3)
    # 2, 4 > 2 fires, 2; then 2, 2, 2: never; then 2, 4, 6 > 4 fires.
    assert outcome(network, frames([1, 1, 1]))[0][:, 0].T.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]


@given(st.integers(-(2**25), 2**25), st.integers(0, 4096))
def test_decay_never_grows_and_keeps_the_sign(state, keep):
    result = int(integer_semantics.kept(np.array([state]), np.array([keep]))[0])
    assert result == (abs(state) * keep // 4096) * (1 if state > 0 else -1)
    assert abs(result) <= abs(state)
    assert result * state >= 0


@given(st.integers(-(3 * HALF) + 1, 3 * HALF))
def test_wrapping_keeps_the_current_modulo_2_to_the_24(current):
    result = int(integer_semantics.wrapped(np.array([current]))[0])
    assert -HALF < result <= HALF
    assert (result - current) % (2 * HALF) == 0

"""SpikingJelly's energy models say of a network what they say of the same network built by hand, and refuse by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snn_deploy.deploy.energy.spikingjelly_estimates import spikingjelly_estimates
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

pytest.importorskip("spikingjelly", reason="spikingjelly is not installed (the group frameworks has it)")

EXACT = Features(
    loops=False, delays=False, current_decay=False, voltage_decay=False, per_channel=False, initial_value=False,
    reset_value=False, adaptation=False, extremes=False,
)  # fmt: skip


def two_layers() -> IntegerNetwork:
    rng = np.random.default_rng(5)
    populations = (
        IntegerPopulation("a", (7,), 6, 2048, 0, 0),  # type: ignore[arg-type]
        IntegerPopulation("b", (3,), 4, 4096, 0, 0),  # type: ignore[arg-type]
    )
    connections = (
        IntegerConnection("in-a", "input", "a", rng.integers(-9, 10, (7, 9))),
        IntegerConnection("a-b", "a", "b", rng.integers(-9, 10, (3, 7))),
    )
    return IntegerNetwork(IntegerInput("input", (9,), 1), populations, connections, 5)


def estimated(network: IntegerNetwork, frames: np.ndarray):
    return spikingjelly_estimates(network, frames, integer_semantics.run(network, frames).spikes)


def test_the_models_say_what_they_say_of_the_same_layers_written_by_hand():
    from spikingjelly.activation_based import functional, neuron, op_counter  # noqa: PLC0415

    network = two_layers()
    frames = random_inputs(network, 3, 0, static=False)
    found, _ = estimated(network, frames)
    # whole numbers above 6 and 4, in units of 1/64: at 6 + 1/64 and 4 + 1/64
    layers = (
        torch.nn.Linear(9, 7, bias=False), neuron.LIFNode(2.0, decay_input=False, v_threshold=6 + 1 / 64),
        torch.nn.Linear(7, 3, bias=False), neuron.IFNode(4 + 1 / 64),
    )  # fmt: skip
    for layer, c in zip(layers[::2], network.connections, strict=True):
        layer.weight.data = torch.from_numpy(c.weights.astype(np.float32))

    class ByHand(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Sequential(*layers)

        def forward(self, shown):
            return torch.stack([self.net(frame) for frame in shown])

    module, shown = ByHand().eval(), torch.from_numpy(frames.astype(np.float32))
    names = {"simple": "simple_energy", "Lemaire": "lemaire_energy", "NeuroMC": "neuromc_runtime_energy"}
    for estimate in found:
        if estimate.name in names:
            total = 0.0
            for sample in range(3):
                functional.reset_net(module)
                report = getattr(op_counter, f"estimate_{names[estimate.name]}")(
                    module, (shown[:, sample : sample + 1],)
                )
                total += report.total_pj if estimate.name == "Lemaire" else report.energy_total_pj
            assert estimate.energy == pytest.approx(total / 3 * 1e-12, rel=1e-6), estimate.name
    assert found[0].energy is not None and found[0].energy > 0


@pytest.mark.parametrize("seed", range(8))
def test_without_decay_every_spike_is_the_same(seed):
    network = random_network(seed, EXACT)
    _, differing = estimated(network, random_inputs(network, 2, seed, static=False))
    assert differing == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threshold": np.array([6, 6, 6, 7, 6, 6, 6])}, "a threshold of each channel"),
        ({"current_keep": np.full(7, 9)}, "a current that is remembered"),
        ({"reset_value": np.full(7, 64)}, "a reset value is also where they begin"),
        ({"voltage_keep": np.arange(7)}, "a decay of each channel"),
        ({"threshold_step": np.full(7, 9)}, "a threshold that its spikes raise"),
    ],
)
def test_what_its_neurons_cannot_be_is_named(change, words):
    network = two_layers()
    changed = replace(network, populations=(replace(network.populations[0], **change), network.populations[1]))
    with pytest.raises(UserError, match=words):
        estimated(changed, random_inputs(changed, 1, 0, static=False))

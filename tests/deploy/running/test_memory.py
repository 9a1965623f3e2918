"""A network that needs more memory than there is is refused in one line, before anything of that size is allocated."""

import tracemalloc

import numpy as np
import pytest
from helpers.small_network import one_neuron

import snn_deploy as sd
from snn_deploy.deploy.running import memory
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
)
from snn_deploy.support.user_error import UserError


@pytest.fixture
def little(monkeypatch):
    """A machine on which a gigabyte is free."""
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**9)


def large(steps=2):
    """Return a network of few weights whose input has 4e8 pixels."""
    side = 20_000
    return IntegerNetwork(
        IntegerInput("input", (1, side, side)),
        (IntegerPopulation("out", (1, side // 10, side // 10), 5, 0, 0, 0),),  # type: ignore[arg-type]
        (IntegerConnection("c", "input", "out", np.ones((1, 1, 1, 1), np.int8), stride=(10, 10)),),
        steps,
        {"config": {"data": {"name": "digits"}}, "export": {"chip": "loihi2"}},
    )


def long():
    return one_neuron(steps=2**20, inputs=1000)


@pytest.mark.parametrize("network", [large, long])
@pytest.mark.parametrize(
    "call",
    [
        sd.run,
        lambda network: sd.run(network, backend="reference"),
        lambda network: sd.verify(network, kinds=["random"], backends=["reference", "cpu"]),
        lambda network: sd.verify(network, kinds=["nasty"], backends=["reference", "cpu"]),
        lambda network: sd.verify(network, backends=["reference", "cpu"]),
        sd.energy,
        lambda network: sd.energy(network, profile="loihi2"),
        sd.report,
    ],
)
def test_every_verb_says_what_it_needs(call, network, little):
    found = network()
    tracemalloc.start()
    with pytest.raises(UserError, match=r"memory: .* take at least \d+\.\d GB, and 1\.0 GB are free") as error:
        call(found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert peak < 300e6


def test_placing_says_what_it_needs(little):
    network = IntegerNetwork(
        IntegerInput("input", (1, 20_000, 20_000)),
        (IntegerPopulation("out", (1, 20_000, 20_000), 5, 0, 0, 0),),  # type: ignore[arg-type]
        (IntegerConnection("c", "input", "out", np.ones((1, 1, 1, 1), np.int8)),),
        2,
    )
    with pytest.raises(UserError, match=r"the places of 400000000 neurons take at least 3\.2 GB"):
        sd.place(network, chip="loihi2")


@pytest.mark.parametrize("backend", ["reference", "cpu", "onnx"])
@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("seed", [0, 3, 7])
def test_no_run_takes_less_than_it_is_said_to_need(backend, record, seed):
    network = random_network(seed)
    network = IntegerNetwork(network.input, network.populations, network.connections, 400)
    images = np.zeros((3, *network.input.shape), np.uint8)
    kept = sum(int(np.prod(p.shape)) for p in network.populations) * 400 * 3
    needed = memory.needed_bytes(network, 3, backend, record=record)
    assert needed >= (kept * 2 / 3 if record else 0)
    if backend == "reference":  # numpy tells what it allocates; the others do not
        tracemalloc.start()
        sd.run(network, images, backend=backend, record=record)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak >= 0.9 * needed


def test_a_container_counts(tmp_path, monkeypatch):
    (tmp_path / "limit").write_text("1000000\n")
    (tmp_path / "used").write_text("400000\n")
    monkeypatch.setattr(memory, "_GROUP_LIMITS", ((tmp_path / "limit", tmp_path / "used"),))
    assert memory.free_bytes() == 600_000
    (tmp_path / "limit").write_text("max\n")
    assert memory.free_bytes() > 10**8

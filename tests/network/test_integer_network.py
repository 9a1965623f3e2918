import zipfile

import numpy as np
import pytest
from helpers.small_network import one_neuron
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.integer_network import (
    KIND,
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    read_integer_network,
    write_integer_network,
)
from snn_deploy.support.array_file import write_array_file
from snn_deploy.support.user_error import UserError

seeds = st.integers(0, 2**32 - 1)


def dense(name: str = "synapse", source: str = "input", target: str = "out", **others) -> IntegerConnection:
    return IntegerConnection(name, source, target, others.pop("weights", np.ones((2, 3))), **others)


def population(name: str = "out", shape: tuple[int, ...] = (2,), **others) -> IntegerPopulation:
    values = {"threshold": 1, "voltage_keep": 0, "current_keep": 0, "bias": 0} | others
    return IntegerPopulation(name, shape, **values)


def network(*connections: IntegerConnection, **others) -> IntegerNetwork:
    parts = {"input": IntegerInput("input", (3,)), "populations": (population(),), "steps": 2} | others
    return IntegerNetwork(connections=connections or (dense(),), **parts)


@given(seed=seeds)
@settings(max_examples=25)
def test_a_network_survives_its_file_with_the_same_bytes(seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    original = random_network(seed)
    write_integer_network(original, folder / "first.npz")
    restored = read_integer_network(folder / "first.npz")
    write_integer_network(restored, folder / "second.npz")
    assert (folder / "first.npz").read_bytes() == (folder / "second.npz").read_bytes()
    assert restored.digest == original.digest
    assert [p.name for p in restored.populations] == [p.name for p in original.populations]
    assert [(c.name, c.stride, c.pool, c.delay) for c in restored.connections] == [
        (c.name, c.stride, c.pool, c.delay) for c in original.connections
    ]


def test_two_networks_have_one_digest_only_if_nothing_differs():
    assert network().digest == network().digest
    assert network().digest != network(steps=3).digest
    assert network().digest != network(dense(weights=np.full((2, 3), 2))).digest


def test_the_digest_is_the_same_on_every_machine():
    assert network().digest == "9497f25aa3a22fa47e0553c257515009d495740d6f6325b838c2d100ec837bf3"


def test_a_file_of_version_1_is_refused_with_what_to_do(tmp_path):
    write_array_file(tmp_path / "network.npz", KIND, 1, {}, {})
    with pytest.raises(UserError, match=r"format version 1; this program reads version 2 or 3\. Make the file again"):
        read_integer_network(tmp_path / "network.npz")


def test_the_arrays_of_a_network_cannot_be_written_to(tmp_path):
    write_integer_network(network(), tmp_path / "network.npz")
    for net in (network(), read_integer_network(tmp_path / "network.npz")):
        for array in (net.connections[0].weights, net.populations[0].threshold):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_an_array_given_to_a_connection_is_copied():
    weights = np.ones((2, 3), np.int8)
    connection = dense(weights=weights)
    weights[:] = 5
    assert (connection.weights == 1).all()


def test_a_file_with_an_illegal_graph_is_a_user_error(tmp_path, monkeypatch):
    path = tmp_path / "network.npz"
    broken = network()
    object.__setattr__(broken, "connections", (dense(source="nobody"),))
    write_integer_network(broken, path)
    with pytest.raises(UserError, match=r"network\.npz: connection 'synapse': source 'nobody' is no population"):
        read_integer_network(path)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "4", None])
def test_a_file_with_impossible_steps_is_a_user_error(tmp_path, steps):
    path = tmp_path / "network.npz"
    broken = network()
    object.__setattr__(broken, "steps", steps)
    write_integer_network(broken, path)
    with pytest.raises(UserError, match="steps is"):
        read_integer_network(path)


def test_a_file_without_an_array_is_a_user_error(tmp_path):
    path = tmp_path / "network.npz"
    write_integer_network(network(), path)
    with zipfile.ZipFile(path) as archive:
        content = {n: archive.read(n) for n in archive.namelist() if "weights" not in n}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match=r"network\.npz"):
        read_integer_network(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dense(weights=np.full((2, 3), 256)), r"weights 256\.\.256; allowed is -255\.\.255"),
        (lambda: dense(weights=np.array([[128, 0, -1]] * 2)), r"weights -1\.\.128; allowed are -128\.\.127, and where"),
        (lambda: dense(weights=np.full((2, 3), 0.5)), "no whole numbers"),
        (lambda: dense(weights=np.full((2, 3), np.nan)), "no whole numbers"),
        (lambda: dense(exponent=8), r"exponent 8; allowed is 0\.\.7"),
        (lambda: population(threshold=2**17), r"threshold 131072\.\.131072; allowed is 0\.\.131071"),
        (lambda: population(threshold=-1), r"threshold -1\.\.-1; allowed"),
        (lambda: population(voltage_keep=4097), r"voltage_keep 4097\.\.4097; allowed is 0\.\.4096"),
        (lambda: population(current_keep=[0, 0.5]), "current_keep holds values that are no whole numbers"),
        (lambda: population(bias=2**23), r"bias 8388608\.\.8388608; allowed"),
        (lambda: population(reset="soft"), "reset 'soft'; allowed are 'value' and 'subtract'"),
        (lambda: population(reset="subtract", reset_value=5), "reset_value 5 beside reset 'subtract'"),
        (lambda: population(initial_value=-(2**23)), r"initial_value -8388608\.\.-8388608; allowed"),
        (lambda: IntegerInput("input", (3,), 256), r"largest value 256; allowed is 1\.\.255"),
        (lambda: network(steps=0), "steps is 0"),
        (lambda: network(dense(), dense()), "'synapse' stands for 2 things"),
        (lambda: network(dense("in put")), "allowed are letters"),
        (lambda: network(dense(target="ot")), "target 'ot' is no population. Did you mean 'out'"),
        (lambda: network(dense(target="input", weights=np.ones((3, 3)))), "ends at the input"),
        (lambda: network(dense(weights=np.ones((2, 4)))), "weights for 4 inputs, but 'input' brings 3"),
        (lambda: network(dense(weights=np.ones((4, 3)))), r"brings shape \(4,\) to 'out' of shape \(2,\)"),
        (lambda: network(dense(weights=np.ones((2, 3, 1)))), r"weights of shape \(2, 3, 1\)"),
        (lambda: network(dense(pool=(2, 2))), "needs a source of shape"),
        (lambda: network(dense(), dense("loop", "out", weights=np.ones((2, 2)))), "needs a delay of at least 1"),
        (lambda: network(dense(delay=-1)), "delay -1"),
        (lambda: network(dense(), populations=(population(), population("lost"))), "'lost': no connection reaches it"),
        (lambda: network(populations=()), "no populations"),
        (lambda: network(populations=(population(shape=(2, 2)),)), r"shape \(2, 2\); allowed"),
    ],
)
def test_an_illegal_part_is_refused_by_name(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_a_kernel_larger_than_its_padded_source_is_refused():
    kernel = IntegerConnection("kernel", "input", "out", np.ones((1, 1, 5, 5)))
    with pytest.raises(UserError, match="nothing is left"):
        network(kernel, input=IntegerInput("input", (1, 3, 3)), populations=(population(shape=(1, 1, 1)),))


def test_groups_that_do_not_divide_the_channels_are_refused():
    kernel = IntegerConnection("kernel", "input", "out", np.ones((3, 1, 1, 1)), groups=2)
    with pytest.raises(UserError, match="groups 2 do not divide 3"):
        network(kernel, input=IntegerInput("input", (2, 3, 3)), populations=(population(shape=(3, 3, 3)),))


def test_one_parameter_stands_for_all_channels():
    assert one_neuron(steps=1).populations[0].threshold.tolist() == [0]
    assert population(shape=(4, 2, 2), threshold=7).threshold.tolist() == [7, 7, 7, 7]

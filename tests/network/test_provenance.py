"""What a file says of where its network came from has the types that the verbs rely on, or is refused in one line."""

import pytest
from helpers.small_network import one_neuron

from snn_deploy.network.integer_network import read_integer_network, write_integer_network
from snn_deploy.network.provenance import checked_provenance
from snn_deploy.support.user_error import UserError


def written(path, provenance):
    network = one_neuron(steps=2)
    object.__setattr__(network, "provenance", provenance)
    write_integer_network(network, path)
    return path


@pytest.mark.parametrize(
    "provenance",
    [
        *({"config": wrong} for wrong in (3, None, [], {"data": 3}, {"data": {"name": 3}}, {"data": {}})),
        *({"config": {key: wrong}} for key in ("seed", "steps", "coding", "quantization") for wrong in ([], "x", 1.5)),
        *({"config": {"encoder": wrong}} for wrong in (3, [], {"name": 3}, {})),
        *({"config": {"quantization": {key: "x"}}} for key in ("epochs", "weight_bits", "per_channel")),
        *({"export": wrong} for wrong in (3, None, {"chip": 3}, {"tool": []}, {"weight_bits": {}}, {"states": 3})),
        *({key: wrong} for key in ("float_accuracy", "quantized_accuracy") for wrong in ("0.9", [], 1e300, -1)),
        *({"test_samples": wrong} for wrong in ("many", None, -1, 1.5, True)),
        *({"compared": wrong} for wrong in (3, None, [])),
    ],
)
def test_an_entry_of_another_type_is_one_line(tmp_path, provenance):
    path = written(tmp_path / "network.npz", provenance)
    with pytest.raises(UserError, match=r"provenance\.\w+") as error:
        read_integer_network(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


@pytest.mark.parametrize("provenance", [3, None, [], "x"])
def test_what_is_no_table_is_one_line(provenance):
    with pytest.raises(UserError, match="provenance"):
        checked_provenance(provenance)


def test_entries_that_nothing_reads_may_hold_anything(tmp_path):
    provenance = {"mine": [1, None], "config": {"mine": None, "data": {"name": "x", "mine": {}}}, "export": {"a": None}}
    path = written(tmp_path / "network.npz", provenance)
    assert read_integer_network(path).provenance == provenance

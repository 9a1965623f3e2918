"""A file may claim anything, with a right checksum: what is read is a legal network, or one short UserError."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network import float_network, integer_network
from snn_deploy.network.float_network import read_float_network, write_float_network
from snn_deploy.network.integer_network import read_integer_network, write_integer_network
from snn_deploy.support.array_file import write_array_file
from snn_deploy.support.user_error import UserError

_CLAIMS = [
    *(10**15, 2**63, -1, 0, 1.5, 1e308, True, None, "x", "../../etc/passwd", "a" * 100_000, {"a": 1}),
    *([], ["a"], [10**15], [10**9, 10**9, 10**9], [2, 3, 4, 5], [-1, 2, 2]),
]
_ARRAYS = [
    *(np.zeros(0, np.int8), np.zeros((0, 5)), np.zeros(2**20, np.int8), np.zeros((1,) * 32, np.int8)),
    *(np.array(["a"]), np.array([1 + 2j]), np.array([np.nan]), np.array([1e300]), np.array([2**63], np.uint64)),
    *(np.array("2020", "datetime64[D]"), np.zeros((3, 3), bool), np.zeros(2, [("a", "i4")])),
]


def _places(value: object, place: tuple = ()) -> Iterator[tuple]:
    """Yield the place of everything in a header, outermost first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield (*place, key)
        yield from _places(below, (*place, key))


def _changed(header: dict, place: tuple, claim: object) -> dict:
    header = json.loads(json.dumps(header))
    at = header
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = claim
    return header


def _require_legal_or_refused(path, module, read, header, arrays):
    write_array_file(path, module.KIND, module.VERSION, header, arrays)
    try:
        network = read(path)
    except UserError as error:
        assert len(str(error)) < 1000
        return
    # What was accepted is small: nothing that the file only claimed will be allocated later.
    assert isinstance(network.steps, int) and network.steps <= 2**20
    for connection in network.connections:
        assert isinstance(connection.delay, int) and 0 <= connection.delay <= 2**20
    for population in network.populations:
        assert isinstance(population.fires, bool)
        assert population.threshold.shape == (population.shape[0],)


def _integer_parts(tmp_path):
    header, arrays = integer_network._header_and_arrays(random_network(3))
    write_integer_network(random_network(3), tmp_path / "network.npz")
    return integer_network, read_integer_network, json.loads(json.dumps(header)), arrays


def _float_parts(tmp_path):
    path = tmp_path / "network.npz"
    network = float_network.FloatNetwork(
        float_network.FloatInput("input", (2, 4, 4)),
        (float_network.FloatPopulation("out", (3, 2, 2), np.full(3, 0.5), np.zeros(3), np.zeros(3)),),
        (float_network.FloatConnection("to_out", "input", "out", np.ones((3, 2, 3, 3))),),
        4,
    )
    write_float_network(network, path)
    header, arrays = float_network.read_array_file(path, float_network.KIND, float_network.VERSION)
    return float_network, read_float_network, header, arrays


@pytest.mark.parametrize("parts", [_integer_parts, _float_parts])
def test_a_claim_in_the_header_is_never_believed(parts, tmp_path):
    module, read, header, arrays = parts(tmp_path)
    places = [place for place in _places(header) if place[0] != "provenance"]
    assert len(places) > 25
    for place in places:
        for claim in _CLAIMS:
            _require_legal_or_refused(tmp_path / "hostile.npz", module, read, _changed(header, place, claim), arrays)


@pytest.mark.parametrize("parts", [_integer_parts, _float_parts])
def test_an_array_of_another_shape_or_type_is_never_believed(parts, tmp_path):
    module, read, header, arrays = parts(tmp_path)
    for name in arrays:
        for array in _ARRAYS:
            changed = {**arrays, name: array}
            _require_legal_or_refused(tmp_path / "hostile.npz", module, read, header, changed)


@pytest.mark.parametrize("parts", [_integer_parts, _float_parts])
def test_steps_and_shapes_beyond_every_network_are_refused(parts, tmp_path):
    module, read, header, arrays = parts(tmp_path)
    for place, claim in [
        (("steps",), 10**15),
        (("populations", 0, "shape", 1), 10**15),
        (("input", "shape"), [10**15]),
    ]:
        write_array_file(tmp_path / "hostile.npz", module.KIND, module.VERSION, _changed(header, place, claim), arrays)
        with pytest.raises(UserError, match="1000000000000000"):
            read(tmp_path / "hostile.npz")

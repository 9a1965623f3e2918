"""Files that are damaged, foreign or dishonest are one error, and nothing of their claims is allocated."""

import tracemalloc
from contextlib import suppress

import h5py
import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.interchange.load_hdf5 import load_hdf5
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.read_nir import _FILE, read_nir
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.support.user_error import UserError

READING = NirReading(steps=2, largest_value=1)


@pytest.fixture
def path(tmp_path):
    """A legal file."""
    ones = np.ones(4)
    nodes = {
        "in": nir.Input({"input": np.array([3])}),
        "w": nir.Affine(np.ones((4, 3)), ones),
        "lif": nir.LIF(tau=ones, r=ones, v_leak=ones, v_threshold=ones),
        "out": nir.Output({"output": np.array([4])}),
    }
    nir.write(tmp_path / "a.nir", nir.NIRGraph(nodes, [("in", "w"), ("w", "lif"), ("lif", "out")]))
    return tmp_path / "a.nir"


def refusal(path):
    with pytest.raises(UserError) as error:
        read_nir(path, READING)
    message = str(error.value)
    assert message.startswith(str(path)) and "\n" not in message
    return message


def test_what_is_loaded_is_what_the_package_wrote(path):
    loaded = load_hdf5(path, _FILE)
    assert loaded["nodes"]["lif"]["type"] == "LIF"
    np.testing.assert_array_equal(loaded["nodes"]["w"]["weight"], np.ones((4, 3)))


def test_missing_empty_and_foreign_files_are_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.nir")
    for content in (b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n" + bytes(100)):
        (tmp_path / "b.nir").write_bytes(content)
        assert "not a whole NIR file" in refusal(tmp_path / "b.nir")
    with h5py.File(tmp_path / "b.nir", "w") as file:
        file["layer"] = 3
    assert "it has no group 'node'" in refusal(tmp_path / "b.nir")


def test_a_file_cut_off_anywhere_is_refused(path):
    whole = path.read_bytes()
    for part in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:part])
        assert "not a whole NIR file" in refusal(path)


@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_an_error_of_the_user_or_a_legal_network(place, bit, tmp_path_factory):
    path = tmp_path_factory.mktemp("nir") / "a.nir"
    weight = np.full((2, 3), 1.5)
    nir.write(path, nir.NIRGraph.from_list(nir.Linear(weight), nir.IF(np.ones(2), np.ones(2))))
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    with suppress(UserError):
        assert isinstance(read_nir(path, READING), FloatNetwork)


def rewritten(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    tracemalloc.start()
    message = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6
    return message


def test_an_array_that_claims_more_than_is_stored_is_not_read(path):
    def claim(file):
        del file["node/nodes/w/weight"]
        file.create_dataset("node/nodes/w/weight", (1 << 20, 1 << 20), "f8", chunks=(64, 64), compression="gzip")

    assert "claims the shape (1048576, 1048576)" in rewritten(path, claim)


def test_links_to_other_places_are_not_followed(path):
    def link(target):
        def change(file):
            del file["node/nodes/w/weight"]
            file["node/nodes/w/weight"] = target

        return change

    other = path.parent / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.ones((4, 3))
    whole = path.read_bytes()
    for target in (h5py.ExternalLink(str(other), "x"), h5py.SoftLink("/node/nodes/w/bias")):
        path.write_bytes(whole)
        assert "is a link to another place" in rewritten(path, link(target))


def test_values_from_another_file_and_other_types_are_refused(path):
    def external(file):
        del file["node/nodes/w/bias"]
        file.create_dataset("node/nodes/w/bias", (4,), "f8", external=[("/etc/hostname", 0, 32)])

    def reference(file):
        file["node/nodes/w/extra"] = np.array([file["node"].ref], dtype=h5py.ref_dtype)

    whole = path.read_bytes()
    assert "takes its values from another file" in rewritten(path, external)
    path.write_bytes(whole)
    assert "neither numbers nor text" in rewritten(path, reference)


def test_groups_that_contain_themselves_are_refused(path):
    def cycle(file):
        file["node/nodes/w/again"] = file["node"]

    assert "groups within groups" in rewritten(path, cycle)


@pytest.mark.parametrize("text", [b"\xe4", b"\xff\xfe"])
def test_text_that_is_no_utf8_is_refused(path, text):
    def edges(values):
        def change(file):
            del file["node/edges"]
            file["node/edges"] = values

        return change

    def node_type(file):
        del file["node/nodes/w/type"]
        file["node/nodes/w/type"] = np.bytes_(text)

    whole = path.read_bytes()
    for change in (
        edges(np.array([[b"in", text]], dtype=h5py.string_dtype())),
        edges(np.array([[b"in", text]], dtype="S2")),
        node_type,
    ):
        path.write_bytes(whole)
        assert "can't decode byte" in rewritten(path, change)


def test_a_root_whose_type_is_an_array_is_refused(path):
    def change(file):
        del file["node/type"]
        file["node/type"] = np.array([1, 2])

    assert "its root is" in rewritten(path, change)

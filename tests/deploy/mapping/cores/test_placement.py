import json
from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement, Slice, read_placement, write_placement
from snn_deploy.support.user_error import UserError

HALVES = Placement(
    "digest",
    "loihi1",
    (
        PlacedCore(0, (0, 0), 0, (Slice("a", (0, 0, 0), (2, 1, 3)),)),
        PlacedCore(0, (1, 0), 3, (Slice("a", (0, 1, 0), (2, 2, 3)), Slice("b", (0,), (4,)))),
    ),
    "sub-lists",
)


def test_core_of_gives_the_core_of_each_neuron():
    expected = np.zeros((2, 2, 3), np.int64)
    expected[:, 1] = 1
    np.testing.assert_array_equal(HALVES.core_of("a", (2, 2, 3)), expected)
    assert HALVES.core_of("b", (4,)).tolist() == [1] * 4


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 2, 2), (12,)])
def test_a_shape_that_the_slices_do_not_fill_is_refused(shape):
    with pytest.raises(UserError):
        HALVES.core_of("a", shape)


def test_a_neuron_on_two_cores_is_refused():
    two = tuple(PlacedCore(0, (x, 0), 0, (Slice("a", (0,), (2,)),)) for x in range(2))
    with pytest.raises(UserError, match="placed twice"):
        Placement("d", "loihi1", two).core_of("a", (2,))
    with pytest.raises(UserError, match="listed twice"):
        Placement("d", "loihi1", two[:1] * 2)


def test_a_file_gives_back_what_was_written(tmp_path):
    write_placement(HALVES, tmp_path / "p.json")
    assert read_placement(tmp_path / "p.json") == HALVES


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-9],
        lambda text: text.replace('"core": 3', '"core": 4'),
        lambda text: text.replace('"version": 2', '"version": 1'),
        lambda text: "[]",
        lambda text: json.dumps({"kind": "something else"}),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "p.json"
    write_placement(HALVES, path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"p\.json"):
        read_placement(path)


def test_an_unknown_storage_is_refused():
    with pytest.raises(UserError, match="nengo-loihi, margins, sub-lists"):
        replace(HALVES, storage="sublists")

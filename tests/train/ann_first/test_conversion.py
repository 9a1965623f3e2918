"""What is said of a conversion, layer by layer, and the file that keeps it."""

import json

import numpy as np
import pytest
import torch

from snn_deploy.support.user_error import UserError
from snn_deploy.train.ann_first.conversion import Conversion, LayerConversion, read_conversion, write_conversion
from snn_deploy.train.ann_first.layer_error import LayerError

FOUND = Conversion(4, "validation", 20, 0.9, 0.8, (LayerConversion("conv1", 2.5, 0.1, 0.3, 0.9),))


def test_the_error_of_a_layer_added_up_over_batches_is_that_of_all_samples_at_once():
    rng = np.random.default_rng(0)
    spikes = (rng.random((5, 30, 2, 4, 4)) < 0.3).astype(np.float32)
    activations = rng.exponential(1.0, (30, 2, 4, 4)).astype(np.float32)
    error = LayerError(2.5)
    for chosen in (slice(0, 12), slice(12, 30)):
        error.add(torch.from_numpy(spikes[:, chosen]), torch.from_numpy(activations[chosen]))
    found = error.result("conv1")
    stands_for = 2.5 * spikes.mean(0, dtype=np.float64)
    assert (found.layer, found.scale) == ("conv1", 2.5)
    assert found.spike_rate == pytest.approx(spikes.mean(dtype=np.float64))
    assert found.error == pytest.approx(np.abs(stands_for - activations).mean() / activations.mean(dtype=np.float64))
    assert found.correlation == pytest.approx(np.corrcoef(stands_for.ravel(), activations.ravel())[0, 1])


def test_a_layer_without_activations_has_no_error_and_one_without_spikes_no_correlation():
    silent, busy = torch.zeros(3, 4, 5), torch.rand(4, 5, generator=torch.Generator().manual_seed(0))
    for activations, error in ((torch.zeros(4, 5), None), (busy, 1.0)):
        layer = LayerError(1.0)
        layer.add(silent, activations)
        found = layer.result("dense1")
        assert found.error == (None if error is None else pytest.approx(error))
        assert found.correlation is None


def test_what_is_read_is_what_was_written_and_a_person_sees_a_row_for_each_layer(tmp_path):
    write_conversion(tmp_path / "a.json", FOUND)
    assert read_conversion(tmp_path / "a.json") == FOUND
    assert FOUND.to_dict() == json.loads((tmp_path / "a.json").read_text())
    assert "validation: ReLU network 90.00 %, converted to 4 steps 80.00 %" in str(FOUND)
    assert "conv1" in str(FOUND)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": "4"},
        {"layers": 3},
        {"layers": [{"layer": "conv1"}]},
        {"layers": [{**FOUND.to_dict()["layers"][0], "error": [1]}]},
        {"accuracy": "high"},
        {"more": 1},
        None,
    ],
)
def test_another_file_is_one_line(tmp_path, changes):
    path = tmp_path / "a.json"
    path.write_text("{" if changes is None else json.dumps({**FOUND.to_dict(), **changes}))
    with pytest.raises(UserError, match=r"a\.json: not what a conversion left") as error:
        read_conversion(path)
    assert "\n" not in str(error.value)

"""Ten layers with PyTorch's initialisation and no norm, 60 batches (IM-Loss Fig. 2): what regularizing does."""

import json

import pytest

from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.run.loop import train

TEN_LAYERS = "16C3-16C3-16C3-16C3-16C3-16C3-16C3-16C3-64-10"


def _after_60_batches(folder, losses):
    table = {
        "data": {"name": "digits"},
        "model": {"layers": TEN_LAYERS},
        "norm": {"name": "none"},
        "surrogate": {"name": "esg"},
        "losses": losses,
        "training": {"epochs": 3, "batch_size": 72, "threads": 1, "measured_samples": 100, "synapses": "float32"},
        "optimizer": {"learning_rate": 0.1},
    }
    train(resolved_config(table, "test"), folder)
    metrics = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    rates = [value for key, value in metrics.items() if key.startswith("measured/spike_rate/")]
    assert len(rates) == 9
    return rates, metrics["test_accuracy"]


@pytest.mark.timeout(300)
def test_a_deep_network_without_a_norm_dies_without_im_loss_and_fires_in_every_layer_with_it(tmp_path):
    rates, accuracy = _after_60_batches(tmp_path / "without", {})
    assert max(rates[2:]) < 0.001
    assert accuracy < 0.2
    rates, accuracy = _after_60_batches(tmp_path / "with", {"im_loss": {"weight": 2.0}})
    assert min(rates) >= 0.05
    assert accuracy > 0.2

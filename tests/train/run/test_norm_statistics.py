"""The norms' moments that inference uses: of a short training they are those of the trained weights."""

import numpy as np
import pytest
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.layers.moment_norm import MomentNorm
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Progress
from snn_deploy.train.run.epoch import train_epoch
from snn_deploy.train.run.norm_statistics import has_unmeasured_norms, measure_norms
from snn_deploy.train.run.run_start import start_run

CONFIG = {
    "steps": 3,
    "data": {"name": "digits"},
    "model": {"layers": "4C3-P2-8C3-P2-10"},
    "norm": {"name": "tdbn"},
    "training": {"epochs": 1, "batch_size": 64, "samples": 300, "norm_samples": 200, "threads": 1},
}


def _started(folder, **changes):
    table = {**CONFIG, **{k: CONFIG.get(k, {}) | v for k, v in changes.items()}}
    return start_run(resolved_config(table, "test"), folder, False, None, Processes())


def _norms(run):
    return [m for m in run.network.modules() if isinstance(m, MomentNorm)]


@pytest.mark.parametrize("name", ["tdbn", "scale_tdbn", "centered_tdbn", "orthogonal_tdbn"])
def test_the_running_moments_are_corrected_for_their_start(name):
    norm = load_plugin("train.norms", name).Norm(momentum=0.1).build(1, 0.5)
    means = [3.0, -1.0, 4.0, 1.0]
    for mean in means:
        norm(torch.tensor([mean - 1, mean + 1]).reshape(2, 1))
    weights = 0.9 ** np.arange(len(means))[::-1]
    np.testing.assert_allclose(norm.mean.item(), np.average(means, weights=weights), rtol=1e-12)
    np.testing.assert_allclose(norm.mean_square.item(), np.average(np.square(means) + 1, weights=weights), rtol=1e-12)


def test_one_batch_is_enough_for_an_inference_like_that_batch():
    norm = load_plugin("train.norms", "tdbn").Norm().build(2, 0.5)
    currents = torch.randn(64, 2, 3, 3, generator=torch.Generator().manual_seed(0)) * 0.01 + 0.3
    in_training = norm(currents)
    torch.testing.assert_close(norm.eval()(currents), in_training, rtol=1e-4, atol=1e-4)


def test_moments_are_measured_anew_in_whole_batches_of_training_samples(tmp_path):
    run = _started(tmp_path, training={"synapses": "float32"})
    for _ in train_epoch(run.context, Progress()):
        pass
    before, generator = run.network.state_dict(), run.context.state.generator.get_state()
    weights = {n: t.clone() for n, t in before.items() if "moments" not in n and "batches" not in n}
    running = [norm.moments.clone() for norm in _norms(run)]
    measure_norms(run.context)
    measured = [norm.moments.clone() for norm in _norms(run)]
    assert all(int(norm.batches) == 3 for norm in _norms(run))  # 200 samples, 64 at a time
    assert all(not torch.equal(a, b) for a, b in zip(running, measured, strict=True))
    assert all(torch.equal(t, weights[n]) for n, t in run.network.state_dict().items() if n in weights)
    assert torch.equal(generator, run.context.state.generator.get_state())
    measure_norms(run.context)
    assert all(torch.equal(a, norm.moments) for a, norm in zip(measured, _norms(run), strict=True))
    # The first layer sees images: what its moments must be is plain arithmetic.
    order = np.random.default_rng(0).permutation(300)[:192]
    images = torch.from_numpy(run.context.samples.inputs[order]).double() / 255
    connection = run.network.plan.connections[0]
    weights = run.network.effective_weights(connection).detach().double()
    currents = torch.nn.functional.conv2d(images, weights, padding=connection.padding)
    torch.testing.assert_close(measured[0][0], currents.mean((0, 2, 3)), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(measured[0][1], currents.square().mean((0, 2, 3)), rtol=1e-5, atol=1e-7)


def test_without_samples_or_norms_nothing_is_measured(tmp_path):
    run = _started(tmp_path / "none", training={"norm_samples": 0})
    measure_norms(run.context)
    assert has_unmeasured_norms(run.network)
    without = _started(tmp_path / "no_norm", norm={"name": "none"})
    measure_norms(without.context)
    assert not has_unmeasured_norms(without.network)

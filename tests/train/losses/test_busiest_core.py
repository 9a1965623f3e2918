import numpy as np
import pytest
import torch

from snn_deploy.network.core_loads import CoreLoads, SpikeLoads, write_core_loads
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.losses.busiest_core import Loss
from snn_deploy.train.networks.network_plan import PlannedPopulation
from snn_deploy.train.networks.recording import Recording, full_record
from snn_deploy.train.run.loop import train
from snn_deploy.train.run.run_folder import RunFolder


def _loads(tmp_path, shape=(1, 2, 2), name="a"):
    """Write loads of two cores: spikes of the first three neurons cost core 0 1, 2 and 3 us, the last core 1 4 us."""
    part = SpikeLoads(shape, np.array([0, 0, 0, 1]), np.arange(4), np.array([1e-6, 2e-6, 3e-6, 4e-6]))
    write_core_loads(CoreLoads("chip", np.array([0.0, 2e-6]), {name: part}), tmp_path / "loads.npz")
    return str(tmp_path / "loads.npz")


def _record(spikes, name="a"):
    return full_record(name, torch.zeros_like(spikes), spikes, 0.5)


def test_the_loss_is_the_power_mean_of_the_cores_times_over_the_longest(tmp_path):
    spikes = torch.zeros(2, 1, 1, 2, 2)
    spikes[0, 0, 0] = torch.tensor([[1.0, 0.0], [1.0, 1.0]])  # each in one of two steps
    recording = Recording((_record(spikes),), torch.zeros(1, 1, 10))
    loss = Loss(_loads(tmp_path), weight=2.0, exponent=3.0)(recording, torch.zeros(1))
    # Core 0 works (1 + 3) / 2 = 2 us, core 1 2 + 4 / 2 = 4 us; if all fired, 6 and 6.
    assert loss.item() == pytest.approx(2 * (((2 / 6) ** 3 + (4 / 6) ** 3) / 2) ** (1 / 3))


def test_a_large_exponent_gives_the_busiest_core_alone_and_its_neurons_all_of_the_gradient(tmp_path):
    spikes = torch.zeros(1, 1, 1, 2, 2, requires_grad=True)
    recording = Recording((_record(spikes),), torch.zeros(1, 1, 10))
    loss = Loss(_loads(tmp_path), exponent=200.0)(recording, torch.zeros(1))
    loss.backward()
    assert loss.item() == pytest.approx(2 / 6, rel=0.01)
    assert spikes.grad.flatten()[:3].tolist() == [0, 0, 0]
    assert spikes.grad.flatten()[3].item() == pytest.approx(4 / 6, rel=0.01)


def test_pooled_spikes_count_as_the_means_of_their_windows_and_remainders_as_none(tmp_path):
    part = SpikeLoads((1, 5, 4), np.zeros(20, np.int64), np.arange(20), np.full(20, 1e-6))
    write_core_loads(CoreLoads("chip", np.zeros(1), {"a": part}), tmp_path / "loads.npz")
    pooled = torch.full((3, 2, 1, 2, 2), 0.25)
    recording = Recording((_record(pooled),), torch.zeros(1, 1, 10))
    loss = Loss(str(tmp_path / "loads.npz"))(recording, torch.zeros(1))
    assert loss.item() == pytest.approx(16 * 0.25 / 20)


def test_a_file_of_another_network_is_refused(tmp_path):
    loss = Loss(_loads(tmp_path))
    assert loss.constrained([PlannedPopulation("a", (1, 2, 2))])
    for other in (PlannedPopulation("b", (1, 2, 2)), PlannedPopulation("a", (4,))):
        with pytest.raises(UserError, match=r"is of another network than this config's: layer .*snn-deploy map"):
            loss.constrained([other])
    with pytest.raises(UserError, match=r"none\.npz: no such file"):
        Loss(str(tmp_path / "none.npz")).constrained([PlannedPopulation("a", (1, 2, 2))])


def test_training_with_it_lowers_the_busiest_cores_load_on_the_compiled_path(tmp_path):
    # Two cores hear the 3x8x8 neurons, which are pooled: one of each half of the image.
    half = np.repeat((np.arange(64) % 8 >= 4).astype(np.int64)[None], 3, 0).ravel()
    part = SpikeLoads((3, 8, 8), half, np.arange(192), np.full(192, 1e-8))
    write_core_loads(CoreLoads("chip", np.zeros(2), {"conv1": part}), tmp_path / "loads.npz")
    table = {
        "data": {"name": "digits"},
        "model": {"layers": "3C3-P2-10"},
        "training": {"epochs": 2, "batch_size": 40, "samples": 400, "threads": 1},
    }
    rates = {}
    for name, losses in (("none", {}), ("busy", {"busiest_core": {"file": str(tmp_path / "loads.npz"), "weight": 4}})):
        train(resolved_config({**table, "losses": losses}, "test"), tmp_path / name)
        rates[name] = RunFolder(tmp_path / name).read_metrics()[-1]["spike_rate/conv1"]
    assert rates["busy"] < 0.8 * rates["none"]

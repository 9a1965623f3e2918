from itertools import pairwise

import pytest
import torch

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Progress, TrainingState
from snn_deploy.train.run.epoch import TrainingContext, train_epoch
from snn_deploy.train.run.run_start import build_network

TABLE = {"data": {"name": "digits"}, "model": {"layers": "8C3-10"}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cosine", [1.0, 0.8535533905932737, 0.5, 0.1464466094067262, 0.0]),  # (1 + cos(pi s)) / 2
        ("linear", [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("constant", [1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_a_schedule_gives_its_factor_at_every_quarter_of_the_training(name, expected):
    factor = load_plugin("train.schedules", name).factor
    assert [factor(quarter / 4) for quarter in range(5)] == pytest.approx(expected, abs=1e-15)


def test_every_schedule_starts_at_the_whole_rate_and_never_rises():
    for name in plugin_names("train.schedules"):
        factors = [load_plugin("train.schedules", name).factor(i / 50) for i in range(51)]
        assert factors[0] == 1
        assert all(0 <= later <= earlier for earlier, later in pairwise(factors))


def test_every_batch_is_trained_at_the_rate_of_its_share_of_the_training():
    config = resolved_config(
        {
            **TABLE,
            "training": {"epochs": 2, "batch_size": 24, "threads": 1},
            "optimizer": {"schedule": "linear", "learning_rate": 0.08},
        },
        "my.toml",
    )
    samples = config.data.options.load("train").first(96)
    network = build_network(config, samples, torch.Generator().manual_seed(1))
    state = TrainingState(network, torch.optim.SGD(network.parameters(), lr=1.0), torch.Generator().manual_seed(2))
    context = TrainingContext(config, samples, state, network, Processes())
    rates = [state.optimizer.param_groups[0]["lr"] for _ in train_epoch(context, Progress(1))]
    assert rates == pytest.approx([0.04, 0.03, 0.02, 0.01])


def test_the_default_is_the_cosine_and_an_unknown_schedule_names_the_nearest():
    assert resolved_config(TABLE, "my.toml").optimizer.schedule == "cosine"
    with pytest.raises(UserError, match=r"my.toml: \[optimizer\]: .*'cosine'"):
        resolved_config({**TABLE, "optimizer": {"schedule": "cosin"}}, "my.toml")

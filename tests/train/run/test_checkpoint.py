import json
import resource

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from snn_deploy.support.user_error import UserError
from snn_deploy.train.run import checkpoint
from snn_deploy.train.run.checkpoint import (
    Origin,
    Progress,
    TrainingState,
    read_checkpoint,
    read_network_state,
    read_origin,
    write_checkpoint,
)

ORIGIN = Origin({"seed": 3, "training": {"epochs": 2}}, threads=1, parent="ab" * 32)
PROGRESS = Progress(1, 7, torch.tensor([2, 0, 1]), 3.5, {"loss/cross_entropy": 0.1 + 0.2})


def _trained_once(seed, width=3):
    """Return a state after one step, so that there is a momentum."""
    generator = torch.Generator().manual_seed(seed)
    network = nn.Linear(2, width)
    for parameter in network.parameters():
        parameter.data.normal_(generator=generator)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return TrainingState(network, optimizer, generator)


def test_what_is_read_is_what_was_written(tmp_path):
    path, written, read = tmp_path / "a" / "last.safetensors", _trained_once(0), _trained_once(1)
    write_checkpoint(path, written, PROGRESS, ORIGIN)

    progress = read_checkpoint(path, read)

    assert (progress.epoch, progress.batch, progress.sharpness) == (1, 7, 3.5)
    assert progress.totals == {"loss/cross_entropy": 0.1 + 0.2}
    assert progress.order.tolist() == [2, 0, 1]
    assert read_origin(path)[0] == ORIGIN
    assert torch.equal(read.network.weight, written.network.weight)
    assert torch.equal(torch.rand(5, generator=read.generator), torch.rand(5, generator=written.generator))
    for state in (read, written):
        state.optimizer.zero_grad()
        state.network(torch.ones(1, 2)).square().sum().backward()
        state.optimizer.step()
    assert torch.equal(read.network.weight, written.network.weight)


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_checkpoint(tmp_path / name, _trained_once(0), PROGRESS, ORIGIN)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_network_alone_can_be_read(tmp_path):
    write_checkpoint(tmp_path / "a", _trained_once(0), PROGRESS, ORIGIN)
    network = nn.Linear(2, 3)
    read_network_state(tmp_path / "a", network)
    assert torch.equal(network.weight, _trained_once(0).network.weight)


def test_a_value_that_is_not_finite_is_refused_by_name_and_the_last_checkpoint_stays(tmp_path):
    state = _trained_once(0)
    write_checkpoint(tmp_path / "a", state, PROGRESS, ORIGIN)
    before = (tmp_path / "a").read_bytes()
    state.network.bias.data[1] = torch.nan
    with pytest.raises(UserError, match="bias is not finite after 7 batches of epoch 2"):
        write_checkpoint(tmp_path / "a", state, PROGRESS, ORIGIN)
    assert (tmp_path / "a").read_bytes() == before


def test_a_full_disk_is_a_user_error_and_the_last_checkpoint_stays(tmp_path):
    state = _trained_once(0)
    write_checkpoint(tmp_path / "a", state, PROGRESS, ORIGIN)
    before = (tmp_path / "a").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # no file can be larger: the write fails midway
    try:
        with pytest.raises(UserError, match="cannot be written"):
            write_checkpoint(tmp_path / "a", _trained_once(1), PROGRESS, ORIGIN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == before


def test_another_network_is_refused_with_what_differs(tmp_path):
    write_checkpoint(tmp_path / "a", _trained_once(0), PROGRESS, ORIGIN)
    with pytest.raises(UserError, match=r"weight \(\(3, 2\), not \(4, 2\)\)"):
        read_checkpoint(tmp_path / "a", _trained_once(0, width=4))


@pytest.mark.parametrize("share", [0, 0.1, 0.6, 0.99])
def test_a_truncated_checkpoint_is_a_user_error(tmp_path, share):
    write_checkpoint(tmp_path / "a", _trained_once(0), PROGRESS, ORIGIN)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="not a whole checkpoint"):
        read_checkpoint(tmp_path / "a", _trained_once(0))


def _rewritten(path, **changes):
    """Write the checkpoint again with other values and a right SHA-256."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        run = json.loads(file.metadata()["run"])
    del run["sha256"]
    run |= {name: value for name, value in changes.items() if name in run}
    tensors |= {name: value for name, value in changes.items() if name not in run}
    run["sha256"] = checkpoint._content_digest(run, tensors)
    path.write_bytes(save(tensors, {"run": json.dumps(run)}))


def test_no_damaged_file_is_taken(tmp_path):
    path, written = tmp_path / "a", _trained_once(0)
    write_checkpoint(path, written, PROGRESS, ORIGIN)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        place = int(rng.integers(len(whole)))
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="not a whole checkpoint") as error:
            read_checkpoint(path, _trained_once(1))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        *({"epoch": wrong} for wrong in (None, "1", 1.5, -1, True, [])),
        *({"batch": wrong} for wrong in (None, "1", -1)),
        *({"threads": wrong} for wrong in (None, "1", 0, 2**40)),
        *({"sharpness": wrong} for wrong in ("1", [])),
        *({"totals": wrong} for wrong in (None, [], {"loss": "x"}, {"loss": None})),
        *({"config": wrong} for wrong in (None, [], 3)),
        {"parent": 3},
        {"order": torch.tensor([1.5])},
        {"order": torch.tensor([[1]])},
        {"generator": torch.zeros(3)},
        {"momentum/0": torch.zeros(7)},
        {"momentum/0": torch.zeros(3, 2, dtype=torch.int64)},
    ],
)
def test_a_value_of_another_type_is_one_line(tmp_path, changes):
    path = tmp_path / "a"
    write_checkpoint(path, _trained_once(0), PROGRESS, ORIGIN)
    _rewritten(path)
    read_checkpoint(path, _trained_once(1))
    _rewritten(path, **changes)
    with pytest.raises(UserError, match="not a whole checkpoint") as error:
        read_checkpoint(path, _trained_once(1))
    assert "\n" not in str(error.value)

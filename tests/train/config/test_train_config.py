import subprocess
import sys
from pathlib import Path

import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import read_config, resolved_config

TABLE = {"data": {"name": "digits"}, "model": {"layers": "8C3-P2-10"}}


def _error(**changes):
    with pytest.raises(UserError) as error:
        resolved_config({**TABLE, **changes}, "my.toml")
    return str(error.value)


def test_defaults_are_the_bias_free_recipe():
    config = resolved_config(TABLE, "my.toml")
    assert config.norm.name == "centered_tdbn"
    assert config.neuron.options.voltage_keep == 0.25
    assert config.neuron.options.threshold == 0.5
    assert [c.name for c in config.losses] == ["cross_entropy"]


def test_the_resolved_table_reads_back_as_the_same_config():
    config = resolved_config({**TABLE, "losses": {"im_loss": {}, "rmp_loss": {"weight": 0.2}}}, "my.toml")
    assert resolved_config(config.table(), "again") == config


@pytest.mark.parametrize(
    ("changes", "near"),
    [
        ({"optimiser": {}}, "'optimizer'"),
        ({"optimizer": {"learning_rat": 0.1}}, "'learning_rate'"),
        ({"norm": {"name": "tdbm"}}, "'tdbn'"),
        ({"losses": {"imloss": {}}}, "'im_loss'"),
        ({"losses": {"im_loss": {"wieght": 1.0}}}, "'weight'"),
        ({"surrogate": {"name": "dspike", "temprature": 2.0}}, "'temperature'"),
    ],
)
def test_an_unknown_key_or_name_is_an_error_that_names_the_nearest(changes, near):
    message = _error(**changes)
    assert message.startswith("my.toml")
    assert f"Did you mean {near}?" in message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimizer": {"learning_rate": -1.0}}, "greater than 0"),
        ({"training": {"epochs": "three"}}, "valid integer"),
        ({"neuron": {"voltage_keep": 1.5}}, "less than or equal to 1"),
        ({"model": {}}, "layers: is missing"),
        ({"data": {}}, "must say which one"),
        ({"losses": 3}, "allowed is a table"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_an_error_that_says_what_is_allowed(changes, expected):
    assert expected in _error(**changes)


def test_assignments_change_single_keys(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('[data]\nname = "digits"\n[model]\nlayers = "8C3-10"\n')
    config = read_config(path, ["training.epochs=7", "norm.name=none", "losses.im_loss.weight=1.5"])
    assert config.training.epochs == 7
    assert config.norm.name == "none"
    assert config.losses[1].options.weight == 1.5


def test_choosing_another_plug_in_drops_the_options_of_the_one_before(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('[data]\nname = "digits"\n[model]\nlayers = "8C3-10"\n[surrogate]\ntemperature = 2.0\n')
    assert read_config(path, ["surrogate.name=rectangle"]).surrogate.name == "rectangle"
    assert read_config(path, ["surrogate.name=dspike"]).surrogate.options.temperature == 2.0
    assignments = ["surrogate.name=rectangle", "surrogate.name=dspike", "surrogate.temperature=4.0"]
    assert read_config(path, assignments).surrogate.options.temperature == 4.0
    assert read_config(path, assignments[:2]).surrogate.options.temperature != 2.0
    with pytest.raises(UserError, match="no key 'temperature'"):
        read_config(path, ["surrogate.name=rectangle", "surrogate.temperature=4.0"])


@pytest.mark.parametrize("assignment", ["training.epochs", "=3", "seed.a=3"])
def test_an_assignment_that_makes_no_sense_is_refused(tmp_path, assignment):
    path = tmp_path / "a.toml"
    path.write_text("seed = 1\n")
    with pytest.raises(UserError, match="--set"):
        read_config(path, [assignment])


def test_a_missing_file_and_broken_toml_are_user_errors(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_text("a = = 3")
    with pytest.raises(UserError, match="not TOML"):
        read_config(tmp_path / "b.toml")


@pytest.mark.parametrize("example", sorted(Path(__file__).parents[3].glob("examples/*.toml")), ids=lambda p: p.stem)
def test_every_example_is_a_legal_config(example):
    assert read_config(example).steps >= 1


_BEFORE_TORCH = """
import sys
from pathlib import Path
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import require_settings
for assignment in sys.argv[2:]:
    try:
        require_settings(Path(sys.argv[1]), [assignment])
    except UserError as error:
        print(error)
print("torch" in sys.modules)
"""


def test_a_mistyped_key_is_told_as_in_read_config_before_torch_is_loaded(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[data]\nname = "digits"\n[model]\nlayers = "4C3-10"\n')
    read_config(path)
    wrong = ("training.epoch=3", "trainig.epochs=3", "losses.im_los.weight=1", "norm.name=tdbm", "model=3",
             "optimizer.schedule=cosin", "data.validation=2", "seed=-1")  # fmt: skip
    command = [sys.executable, "-c", _BEFORE_TORCH, path, *wrong]
    *told, loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert loaded == "False"
    assert len(told) == len(wrong)
    for assignment, line in zip(wrong, told, strict=True):
        with pytest.raises(UserError) as error:
            read_config(path, [assignment])
        assert str(error.value) == line

"""api/init: a config to begin with is true, valid and trains; the schema takes what the program takes."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import pytest
from helpers.cli_help import snn_deploy

import snn_deploy as sd
from snn_deploy.api.init import SCHEMA, schema_text
from snn_deploy.support.plugin import plugin_names
from snn_deploy.train.config.config_keys import keys_of, plug_in
from snn_deploy.train.config.read_config import read_config, resolved_config
from snn_deploy.train.config.train_config import CHOICES, COLLECTIONS, SETTINGS, HeldOut, Numbers

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
DATA = [
    f"{name}:here" if any(key.must_be_given for key in plug_in(CHOICES["data"], name).keys) else name
    for name in plugin_names("train.datasets")
]


@pytest.fixture(scope="module")
def schema():
    found = json.loads(schema_text())
    jsonschema.Draft7Validator.check_schema(found)
    return jsonschema.Draft7Validator(found)


def _uncommented(text):
    """Return a config with every key that init has left at its default written out."""
    return re.sub(r"^#(?=\[?\w)", "", text.split("\n", 1)[1], flags=re.MULTILINE)  # its first line names the schema


@pytest.mark.parametrize("data", DATA)
def test_for_every_data_set_it_is_valid_and_its_defaults_are_those_of_the_program(data, schema, tmp_path):
    file = sd.init(tmp_path / "a.toml", data=data).config
    table = tomllib.loads(file.read_text())
    schema.validate(table)
    whole = tomllib.loads(_uncommented(file.read_text()))
    schema.validate(whole)
    config = read_config(file)
    assert resolved_config(whole, "uncommented") == config
    assert len(whole["training"]) == len(keys_of(SETTINGS["training"]))


@pytest.mark.parametrize("model", [*plugin_names("train.models")])
def test_for_every_model_it_makes_a_network_of_28x28_images(model, schema, tmp_path):
    made = sd.init(tmp_path / "a.toml", data="fashion_mnist", model=model)
    schema.validate(tomllib.loads(made.config.read_text()))
    config = read_config(made.config)
    side = 28 + 2 * config.data.options.padding
    plan = config.model.options.plan((1, side, side), 10)
    assert plan.output.shape == (10,)


def test_what_is_chosen_is_written_out_and_what_it_does_not_know_is_told(tmp_path):
    changes = ["norm.name=scale_tdbn", "norm.alpha=0.9", "losses.im_loss.weight=0.5", "augmentations.crop.padding=2"]
    made = sd.init(tmp_path / "a.toml", data="cifar10:photos", model="vgg11", changes=[*changes, "steps=2"])
    text = made.config.read_text()
    for line in ("steps = 2", 'folder = "photos"', 'name = "scale_tdbn"', "alpha = 0.9", "[losses.im_loss]", "padding"):
        assert re.search(rf"^{re.escape(line)}", text, flags=re.MULTILINE), line
    assert re.search(r"^#\[losses.cross_entropy\]$", text, flags=re.MULTILINE)
    with pytest.raises(sd.UserError, match="Did you mean 'fashion_mnist'"):
        sd.init(tmp_path / "b.toml", data="fashion_mnits")
    with pytest.raises(sd.UserError, match="no key 'alfa'"):
        sd.init(tmp_path / "b.toml", data="digits", changes=["norm.alfa=0.9"])
    with pytest.raises(sd.UserError, match=r"where is its folder\? Give --data image_folder:PATH"):
        sd.init(tmp_path / "b.toml", data="image_folder")
    assert not (tmp_path / "b.toml").exists()


def test_nothing_is_written_over(tmp_path):
    made = sd.init(tmp_path / "a.toml", data="digits")
    assert (made.config.name, made.schema.name) == ("a.toml", SCHEMA)
    before = made.config.read_bytes()
    with pytest.raises(sd.UserError, match="is there already"):
        sd.init(tmp_path / "a.toml", data="mnist")
    assert made.config.read_bytes() == before
    sd.init(tmp_path / "b.toml", data="mnist")  # the schema is written anew
    made.schema.write_text('{"title": "mine"}')
    with pytest.raises(sd.UserError, match="no schema of ours"):
        sd.init(tmp_path / "c.toml", data="mnist")
    assert made.schema.read_text() == '{"title": "mine"}'


def test_what_it_writes_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert snn_deploy("init", "--data", "digits", "--set", "training.epochs=1").exit_code == 0
    small = ["--set", "training.samples=200", "--set", "training.measured_samples=0"]
    done = snn_deploy("train", "digits.toml", *small, "--out", "run")
    assert done.exit_code == 0, done.stderr
    assert "network: input 1x8x8, conv1 16x8x8, conv2 32x4x4, output 10;" in done.stdout


def test_the_verb_needs_a_data_set_and_prints_the_schema(tmp_path):
    refused = snn_deploy("init", tmp_path / "a.toml")
    assert refused.exit_code == 2
    assert "Give --data NAME" in refused.stderr
    assert snn_deploy("init", "--schema").stdout == schema_text()


def test_the_schema_in_the_documentation_is_that_of_the_program():
    found = (ROOT / "docs/config.schema.json").read_text(encoding="utf-8")
    assert found == schema_text(), "run snn-deploy init --schema > docs/config.schema.json"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_names_the_schema_where_it_lies(example):
    first = example.read_text(encoding="utf-8").split("\n", 1)[0]
    assert first.startswith("#:schema ")  # as in what init writes
    assert (example.parent / first.removeprefix("#:schema ")).resolve() == ROOT / "docs/config.schema.json"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_schema_takes_every_example_and_no_wrong_key_or_value_of_it(example, schema):
    table = tomllib.loads(example.read_text())
    schema.validate(table)
    for name in table:
        if isinstance(table[name], dict):
            with pytest.raises(jsonschema.ValidationError):
                schema.validate({**table, name: {**table[name], "epohcs": 1}})
    for wrong in ({"steps": 0}, {"steps": "4"}, {"setps": 4}, {"training": {"epochs": True}}, {"model": {}},
                  {"neuron": {"name": "liff"}}, {"optimizer": {"schedule": "cosinus"}}, {"losses": {"imloss": {}}},
                  {"norm": {"alpha": -1.0}}, {"data": {"name": "digits", "validation": 0.9}}):  # fmt: skip
        with pytest.raises(jsonschema.ValidationError):
            schema.validate(table | wrong)


def test_a_table_without_a_name_has_the_keys_of_its_default(schema):
    least = {"data": {"name": "digits"}, "model": {"layers": "10"}}
    schema.validate({**least, "neuron": {"voltage_keep": 0.5}, "norm": {"alpha": 1}, "surrogate": {"temperature": 2.0}})
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({**least, "surrogate": {"smallest": 1.0}})


def test_almost_every_key_says_what_it_is():
    kinds = [Numbers, HeldOut, *SETTINGS.values()]
    assert [key.name for kind in kinds for key in keys_of(kind) if not key.about] == []
    found = [
        key.about
        for section in {**CHOICES, **COLLECTIONS}.values()
        for name in plugin_names(section.package)
        for key in plug_in(section, name).keys
    ]
    assert sum(map(bool, found)) / len(found) > 0.85

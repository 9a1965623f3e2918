"""What a network's file says of its data: it may name a data set, and nothing happens that the user did not ask for."""

import numpy as np
import pytest
from torchvision import datasets

from snn_deploy.api import sources
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError


@pytest.fixture
def images(tmp_path):
    """An .npz of ten images."""
    pixels = np.random.default_rng(0).integers(0, 256, (10, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=np.arange(10))
    return tmp_path / "mine.npz"


def provenance(**data):
    return {"config": {"data": data}}


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
@pytest.mark.parametrize("stated", [{}, {"download": True}])
def test_a_file_starts_no_download(name, stated, tmp_path, monkeypatch):
    def download(*arguments, **options):
        raise AssertionError("a download was started")

    monkeypatch.setenv("HOME", str(tmp_path))  # an empty cache
    monkeypatch.setattr(load_plugin("train.datasets", name), "_USUAL_PLACES", (), raising=False)
    for known in ("MNIST", "FashionMNIST", "CIFAR10", "CIFAR100"):
        monkeypatch.setattr(datasets, known, download)
    with pytest.raises(UserError, match=r"not on this machine\. Let it be downloaded"):
        sources.test_samples(provenance(name=name, **stated), None, 1)
    with pytest.raises(AssertionError, match="a download was started"):
        sources.test_samples(provenance(name=name, **stated), name, 1)


def test_a_file_starts_no_download_of_tonic(tmp_path, monkeypatch):
    tonic = pytest.importorskip("tonic")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tonic.datasets, "NMNIST", None)
    with pytest.raises(UserError, match=r"no \.bin files"):
        sources.test_samples(provenance(name="nmnist", download=True), None, 1)


@pytest.mark.parametrize("place", ["/etc", "../elsewhere.npz", "a/../../b.npz", "~/x.npz", "~root/x.npz", "a\nb", 3])
def test_a_file_chooses_no_place_outside_of_the_current_folder(place):
    with pytest.raises(UserError, match="may not choose a place outside"):
        sources.test_samples(provenance(name="npz_file", file=place), None, 1)


def test_a_place_of_the_users_is_taken(images):
    stated = provenance(name="npz_file", file=str(images))
    with pytest.raises(UserError, match="give it yourself: --data npz_file:PATH"):
        sources.test_samples(stated, None, 1)
    assert sources.test_samples(stated, f"npz_file:{images}", 1).shape == (1, 4, 4)


def test_a_place_below_the_current_folder_is_taken(images, monkeypatch):
    monkeypatch.chdir(images.parent)
    assert sources.test_samples(provenance(name="npz_file", file="mine.npz"), None, 1).shape == (1, 4, 4)


def test_the_other_options_of_the_data_set_stay_as_it_was_trained(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=np.arange(10))
    stated = provenance(name="npz_file", file="elsewhere.npz", channels_last=True)
    assert sources.test_samples(stated, f"npz_file:{tmp_path / 'mine.npz'}", 1).shape == (3, 4, 4)


def test_a_file_runs_no_encoder_of_the_users_unless_the_user_names_the_data(tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", signals=np.zeros((5, 3)), labels=np.arange(5) % 2)
    folder = tmp_path / "train/encoders"
    folder.mkdir(parents=True)
    (folder / "bait.py").write_text("raise AssertionError('the plug-in ran')\n")
    monkeypatch.setenv("SNN_DEPLOY_PLUGINS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    stated = {"config": {"steps": 9, "data": {"name": "time_series", "file": "mine.npz"}, "encoder": {"name": "bait"}}}
    with pytest.raises(UserError, match="a file may not run a plug-in"):
        sources.test_samples(stated, None, 1)
    with pytest.raises(AssertionError, match="the plug-in ran"):
        sources.test_samples(stated, "time_series", 1)
    stated["config"]["encoder"] = {"name": "latency", "frames": 3}
    assert sources.test_samples(stated, None, 1).steps == 9
    with pytest.raises(UserError, match="the network was not trained on any"):
        sources.test_samples({"config": {}}, "time_series:mine.npz", 1)


def test_a_file_runs_no_plug_in(tmp_path, monkeypatch):
    folder = tmp_path / "train/datasets"
    folder.mkdir(parents=True)
    (folder / "bait.py").write_text("raise AssertionError('the plug-in ran')\n")
    monkeypatch.setenv("SNN_DEPLOY_PLUGINS", str(tmp_path))
    with pytest.raises(UserError, match="a file may not run a plug-in"):
        sources.test_samples(provenance(name="bait"), None, 1)
    with pytest.raises(AssertionError, match="the plug-in ran"):
        sources.test_samples(provenance(name="bait"), "bait", 1)


def test_a_file_names_no_data_set_of_the_users_within_another_and_chooses_no_cache(tmp_path, monkeypatch):
    folder = tmp_path / "train/datasets"
    folder.mkdir(parents=True)
    (folder / "bait.py").write_text("raise AssertionError('the plug-in ran')\n")
    monkeypatch.setenv("SNN_DEPLOY_PLUGINS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="images 'bait', which does not come with the program"):
        sources.test_samples(provenance(name="saccades", images="bait"), None, 1)
    with pytest.raises(AssertionError, match="the plug-in ran"):
        sources.test_samples(provenance(name="saccades", images="bait"), "saccades", 1)
    stated = provenance(name="saccades", images="digits", steps_per_saccade=1, cache="mine")
    assert sources.test_samples(stated, None, 1).shape == (2, 12, 12)
    assert not (tmp_path / "mine").exists()
    assert list((tmp_path / "home/.cache/snn-deploy/saccades").iterdir())

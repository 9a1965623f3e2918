"""Plug-ins by file name, the package's own and a user's."""

import os

import pytest

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError


@pytest.fixture
def users(tmp_path, monkeypatch):
    folder = tmp_path / "mine/train/losses"
    folder.mkdir(parents=True)
    (folder / "calm.py").write_text("KIND = 'mine'\n")
    monkeypatch.setenv("SNN_DEPLOY_PLUGINS", os.pathsep.join([str(tmp_path), str(tmp_path / "mine")]))
    return folder


def test_a_users_file_is_a_plug_in_as_long_as_its_folder_is_named(users, monkeypatch):
    assert "calm" in plugin_names("train.losses")
    assert load_plugin("train.losses", "calm").KIND == "mine"
    assert "calm" not in plugin_names("train.norms")
    monkeypatch.delenv("SNN_DEPLOY_PLUGINS")
    assert "calm" not in plugin_names("train.losses")
    with pytest.raises(UserError, match=r"no plug-in named 'calm'.*SNN_DEPLOY_PLUGINS names folders"):
        load_plugin("train.losses", "calm")


def test_a_name_that_exists_is_refused_not_shadowed(users):
    (users / "im_loss.py").write_text("")
    with pytest.raises(UserError, match="two plug-ins are named 'im_loss'"):
        load_plugin("train.losses", "im_loss")


def test_a_folder_that_is_none_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SNN_DEPLOY_PLUGINS", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="nowhere is no folder"):
        plugin_names("train.losses")

"""A full disk, a read-only one, no permission: one line, exit code 2, nothing half-written, older files as before."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.small_disk import PAGE, files_of_at_most, leave, mounted, read_only, without_privileges

from snn_deploy.interchange.write_nir_data import write_nir_data
from snn_deploy.network.float_network import read_float_network
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class _Verb:
    """A call that writes `files` below the folder that it is given."""

    arguments: Callable[[dict[str, Path], Path], tuple[object, ...]]
    files: tuple[str, ...]


VERBS = {
    "export, netx": _Verb(lambda has, out: ("export", has["run"], "--samples", 5, "--out", out),
                          ("network.npz", "network.net")),
    "export, onnx": _Verb(lambda has, out: ("export", has["run"], "--target", "onnx", "--samples", 5, "--out", out),
                          ("network.npz", "network.onnx")),
    "export, nir": _Verb(lambda has, out: ("export", has["run"], "--target", "nir", "--out", out), ("network.nir",)),
    "run, record": _Verb(lambda has, out: ("run", has["exported"], "--samples", 150, "--record", out / "all.h5"),
                         ("all.h5",)),
    "map, placement": _Verb(lambda has, out: ("map", has["exported"], "--out", out / "put.json"), ("put.json",)),
    "map, loads": _Verb(lambda has, out: ("map", has["exported"], "--samples", 20, "--loads", out / "loads.npz"),
                        ("loads.npz",)),
    "exits": _Verb(lambda has, out: ("exits", has["exported"], "--samples", 40, "--test-samples", 40, "--out",
                                     out / "exits.json"), ("exits.json",)),
    "map, png": _Verb(lambda has, out: ("map", has["exported"], "--picture", out / "map.png"), ("map.png",)),
    "map, svg": _Verb(lambda has, out: ("map", has["exported"], "--picture", out / "map.svg"), ("map.svg",)),
    "energy, neurobench": _Verb(lambda has, out: ("energy", has["exported"], "--samples", 3, "--neurobench",
                                                  out / "metrics.json"), ("metrics.json",)),
    "energy, table": _Verb(lambda has, out: ("energy", has["exported"], "--samples", 3, "--table", out / "t.tex"),
                           ("t.tex", "t.bib")),
    "plot": _Verb(lambda has, out: ("plot", has["run"], "--out", out),
                  ("membranes.png", "spike_rates.png", "surrogate.png", "training.png")),
    "report": _Verb(lambda has, out: ("report", has["exported"], "--samples", 10, "--compared", 1,
                                      "--backends", "reference,cpu", "--out", out / "report.html"), ("report.html",)),
}  # fmt: skip
TRAINING = {
    "train": _Verb(lambda has, out: ("train", has["config"], "--out", out), ("config.toml", "float_network.npz")),
    "compare": _Verb(lambda has, out: ("compare", has["config"], "--seeds", 1, "--out", out), ()),
    "search": _Verb(lambda has, out: ("search", has["config"], "--steps", 2, "--trials", 1, "--out", out), ()),
    "fit": _Verb(
        lambda has, out: ("fit", has["run"], "--cores", 1, "--rounds", 1, "--samples", 20, "--verify", 1, "--out", out),
        ("fit.json",),
    ),
    "demo": _Verb(lambda has, out: ("demo", "--out", out), ("config.toml",)),
}
OLDER = b"of an older call"
# SNN_DEPLOY_ATTACK has them all tried, which takes minutes.
ALL = bool(os.environ.get("SNN_DEPLOY_ATTACK"))
ROOM = (0, 1_000, 5_000, 20_000, 1_000_000) if ALL else (0, 5_000, 1_000_000)  # bytes
FREE_PAGES = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 32, 64, 128) if ALL else (0, 1, 4, 12, 128)
SLOW = ("plot", "report")  # seconds a call: at fewer sizes


@pytest.fixture
def has(run, exported, config):
    """Return what the verbs read."""
    return {"run": run, "exported": exported, "config": config}


def _refused(verb, has, out):
    """Return the line of the error, after a look at what is left in `out`."""
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    result = snn_deploy(*verb.arguments(has, out))
    assert result.exit_code == 2, result.output
    _one_line(result)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    return result.stderr


def _one_line(result):
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stderr.startswith("Error: ")
    assert str(result.exception) == "2"  # SystemExit


def _older(verb, out):
    for name in verb.files:
        (out / name).write_bytes(OLDER)


def _whole_or_refused(verb, has, out):
    """Return whether the verb had room; its files are whole then, and else those that were there before."""
    result = snn_deploy(*verb.arguments(has, out))
    found = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "filler"}
    assert not [name for name in found if name.startswith(".")]
    if result.exit_code == 0:
        assert all(found[name] != OLDER for name in verb.files)
        return True
    assert result.exit_code == 2, result.output
    _one_line(result)
    assert "cannot be written" in result.stderr
    assert found == dict.fromkeys(verb.files, OLDER)
    return False


@pytest.mark.parametrize("name", VERBS | TRAINING)
def test_a_disk_that_fails_only_when_it_is_asked_to_keep_a_file(name, has, tmp_path, monkeypatch):
    verb = (VERBS | TRAINING)[name]
    if name in VERBS:
        _older(verb, tmp_path)

    def fail(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    assert "cannot be written (No space left on device). Make room there" in _refused(verb, has, tmp_path)


@pytest.mark.parametrize("name", VERBS | TRAINING)
def test_a_folder_without_permission(name, has, tmp_path, monkeypatch):
    made = tempfile.mkstemp

    def refuse(*arguments, **options):
        if Path(options.get("dir") or "").is_relative_to(tmp_path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return made(*arguments, **options)

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    line = _refused((VERBS | TRAINING)[name], has, tmp_path)
    assert "cannot be written (Permission denied). Choose another place." in line


@pytest.fixture
def closed():
    """Return a function that takes the permissions of a file or a folder away; they come back after the test."""
    before = {}

    def close(path, mode):
        before[path] = path.stat().st_mode
        path.chmod(mode)

    yield close
    for path, mode in before.items():
        path.chmod(mode)


def _without_permission(*arguments):
    command = [sys.executable, "-m", "snn_deploy.cli.main", *arguments]
    ended = subprocess.run(without_privileges(command), check=False, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    *usage, line = ended.stderr.splitlines()  # where click says it, two lines and an empty one come before
    assert line.startswith("Error: ")
    assert not usage or (len(usage) == 3 and usage[0].startswith("Usage: ")), ended.stderr
    return line


@pytest.mark.parametrize("name", VERBS | TRAINING if ALL else ("export, netx", "train", "search"))
def test_a_folder_that_others_own(name, has, tmp_path, closed):
    verb, out = (VERBS | TRAINING)[name], tmp_path / "closed"
    out.mkdir()
    if name in VERBS:
        _older(verb, out)
    closed(out, 0o555)
    line = _without_permission(*verb.arguments(has, out))
    assert "cannot be written (Permission denied). Choose another place." in line
    assert {p.name: p.read_bytes() for p in out.iterdir()} == dict.fromkeys(verb.files if name in VERBS else (), OLDER)


@pytest.mark.parametrize("closes", ["file", "folder"])
@pytest.mark.parametrize("verb", ["run", "report", "train"] if ALL else ["report"])
def test_a_file_that_others_may_not_read(verb, closes, has, tmp_path, closed):
    source = has["config"].parent if verb == "train" else has["exported"]
    shutil.copytree(source, tmp_path / "there")
    path = tmp_path / "there" / ("small.toml" if verb == "train" else "network.npz")
    closed(path if closes == "file" else path.parent, 0)
    line = _without_permission(verb, path)
    assert f"'{path}' is not readable" in line or f"{path}: cannot be read (Permission denied)" in line


@pytest.mark.parametrize("name", VERBS)
def test_a_file_that_cannot_grow(name, has, tmp_path):
    verb = VERBS[name]
    _older(verb, tmp_path)
    assert _whole_or_refused(verb, has, tmp_path)  # so that kernels and fonts are in their caches
    _older(verb, tmp_path)
    had_room = []
    for room in ROOM:
        with files_of_at_most(room):
            had_room.append(_whole_or_refused(verb, has, tmp_path))
        _older(verb, tmp_path)
    assert not had_room[0]
    assert had_room[-1]


@pytest.mark.parametrize("name", VERBS)
def test_a_disk_with_so_many_free_pages(name, has, tmp_path):
    verb = VERBS[name]
    with mounted(tmp_path / "disk", 2**20) as disk:
        had_room = []
        for pages in FREE_PAGES[:: 5 if name in SLOW else 1]:
            _older(verb, disk)
            leave(disk, pages * PAGE)
            had_room.append(_whole_or_refused(verb, has, disk))
    assert not had_room[0]
    assert had_room == sorted(had_room)


@pytest.mark.parametrize("name", VERBS | TRAINING)
def test_a_read_only_disk(name, has, tmp_path):
    verb = (VERBS | TRAINING)[name]
    with mounted(tmp_path / "disk", 2**20) as disk:
        if name in VERBS:
            _older(verb, disk)
        read_only(disk)
        assert "cannot be written (Read-only file system)" in _refused(verb, has, disk)


@pytest.mark.parametrize("name", TRAINING if ALL else ("train", "search"))
def test_a_training_with_so_many_free_pages_goes_on_once_there_is_room(name, has, tmp_path):
    verb, options = TRAINING[name], () if name in ("compare", "demo") else ("--resume",)
    with mounted(tmp_path / "disk", 2**23) as disk:
        had_room = []
        for pages in (0, 2, 6, 12, 32, 500)[:: 3 if name == "demo" else 1] if ALL else (6,):
            leave(disk, pages * PAGE)
            result = snn_deploy(*verb.arguments(has, disk / "out"), *options)
            had_room.append(result.exit_code == 0)
            if not had_room[-1]:
                assert result.exit_code == 2, result.output
                _one_line(result)
                assert "cannot be written (No space left on device)" in result.stderr
            assert not [path for path in disk.rglob(".*") if path.is_file()]
        (disk / "filler").unlink()
        assert snn_deploy(*verb.arguments(has, disk / "out"), *options).exit_code == 0
    assert not had_room[0]


@pytest.mark.parametrize("name", ["export, netx", "run, record"])
def test_a_process_that_met_a_full_disk_ends_in_order(name, has, tmp_path):
    verb = VERBS[name]
    command = [sys.executable, "-m", "snn_deploy.cli.main", *map(str, verb.arguments(has, tmp_path))]
    with files_of_at_most(4_000):
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("Error: ")
    assert len(ended.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_not_taken_for_a_format_that_cannot_hold_the_network(has, tmp_path):
    verb = VERBS["export, netx"]
    assert snn_deploy(*verb.arguments(has, tmp_path / "all")).exit_code == 0
    sizes = {name: (tmp_path / "all" / name).stat().st_size for name in verb.files}
    assert sizes["network.npz"] < sizes["network.net"]
    with files_of_at_most(sizes["network.net"] - 1):  # room for one of the two
        result = snn_deploy(*verb.arguments(has, tmp_path / "some"))
    assert result.exit_code == 2
    assert "no network.net" not in result.output
    assert list(tmp_path.glob("some/*")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_behind_standard_output(options):
    command = [sys.executable, "-m", "snn_deploy.cli.main", "profiles", *options]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert lines[-1].startswith("Error: standard output: cannot be written (No space left on device).")
    assert not [line for line in lines[:-1] if "Traceback" in line or "ignored" in line]


def test_recorded_spikes_in_a_nir_file(has, tmp_path):
    network = read_float_network(has["run"] / "float_network.npz")
    path = tmp_path / "spikes.nir"
    path.write_bytes(OLDER)
    images = np.zeros((2, *network.input.shape), np.uint8)
    for room in ROOM[:-1]:
        with files_of_at_most(room), pytest.raises(UserError, match="cannot be written"):
            write_nir_data(network, images, path)
    assert path.read_bytes() == OLDER
    assert list(tmp_path.iterdir()) == [path]

"""What comes out of a file reaches a terminal as visible characters, on one line."""

import io
import json
import re
import zipfile
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.cli.output import Output
from snn_deploy.network.integer_network import read_integer_network, write_integer_network

FORGED = "\x1b]0;gone\x07\x1b[2J\r\nError: all fine [/foo] [bold]\u202e\x9b31m"


def _is_harmless(result):
    for line in (*result.stdout.split("\n"), *result.stderr.split("\n")):
        assert line.isprintable(), line
        assert not line.startswith("Error: all fine")


def _refused(*arguments):
    result = snn_deploy(*arguments)
    assert result.exit_code == 2, result.output
    _is_harmless(result)
    (line,) = result.stderr.strip().split("\n")
    assert line.startswith("Error: ")
    return line


def _rewritten(source, path, *, change=lambda envelope: None, name=lambda member: member):
    """Write the network file `source` anew with another header and other names of its members."""
    with zipfile.ZipFile(source) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    envelope = json.loads(np.load(io.BytesIO(members["header.npy"])).tobytes())
    change(envelope)
    buffer = io.BytesIO()
    np.save(buffer, np.frombuffer(json.dumps(envelope).encode(), np.uint8))
    members["header.npy"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(name(member), content)
    return path


@pytest.mark.parametrize("key", ["kind", "version", "sha256"])
@pytest.mark.parametrize("verb", ["run", "report", "map"])
def test_forged_words_of_a_network_file(key, verb, exported, tmp_path):
    def change(envelope):
        envelope[key] = FORGED

    path = _rewritten(exported / "network.npz", tmp_path / "network.npz", change=change)
    _refused(verb, path)


def test_forged_names_in_a_network_file(exported, tmp_path):
    def change(envelope):
        envelope["header"]["populations"][0]["name"] = FORGED

    assert FORGED not in _refused("run", _rewritten(exported / "network.npz", tmp_path / "network.npz", change=change))


def test_forged_names_of_zip_members(exported, tmp_path):
    path = _rewritten(
        exported / "network.npz", tmp_path / "a.npz", name=lambda m: m if m == "header.npy" else f"{FORGED}{m}"
    )
    _refused("run", path)


@pytest.mark.parametrize("place", [("config", "data", "name"), ("config", "coding"), ("export", "chip"), ("compared",)])
def test_forged_provenance(place, exported, tmp_path):
    network = read_integer_network(exported / "network.npz")
    provenance = json.loads(json.dumps(dict(network.provenance)))
    inner = provenance
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = FORGED
    write_integer_network(replace(network, provenance=provenance), tmp_path / "network.npz")
    for verb in ("run", "energy", "map", "report"):
        result = snn_deploy(verb, tmp_path / "network.npz", *(["--samples", 2] if verb != "map" else []))
        assert result.exit_code in (0, 2), result.output
        _is_harmless(result)


def test_forged_words_of_a_hardware_profile(exported, tmp_path):
    text = (files("snn_deploy.hardware_profiles") / "loihi2.toml").read_text(encoding="utf-8")
    forged, path = json.dumps(FORGED), tmp_path / "mine.toml"
    changed = re.sub(r'((?:title|source) *= )"(?:[^"\\]|\\.)*"', lambda found: found[1] + forged, text)
    assert changed.count(forged) > 3
    path.write_text(changed, encoding="utf-8")
    for arguments in (("map", exported, "--profile", path), ("profiles", path)):
        result = snn_deploy(*arguments)
        assert result.exit_code == 0, result.output
        assert "[/foo] [bold]" in result.output
        _is_harmless(result)


def test_a_path_with_control_characters_or_bytes_that_are_no_utf_8(exported):
    assert "\\x1b[2J" in _refused("run", "no\x1b[2J\nError: all fine.npz")
    assert "\\udcff" in _refused("run", "no\udcff.npz")


def test_every_line_goes_through_the_same_function(capsys):
    output = Output(False)
    output.say(f"a{FORGED}")
    output.lines("two\nlines\x07")
    output.error(f"ended with status 1\nlog{FORGED}")
    shown = capsys.readouterr()
    assert shown.out.split("\n")[1:] == ["two", "lines\\x07", ""]
    assert [line[:8] for line in shown.err.split("\n")] == ["Error: e", "  log\\x1", "  Error:", ""]
    assert (shown.out + shown.err).replace("\n", "").isprintable()

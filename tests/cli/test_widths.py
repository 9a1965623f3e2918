"""On a terminal of 80 and of 140 columns nothing runs past its edge, and no word and no number is broken."""

import re

import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.cli import output

COMMANDS = {
    "export": ("export", "RUN", "--samples", 4, "--health", 2, "--out", "HERE/e"),
    "export, measured": ("export", "RUN", "--samples", 4, "--states", "measured", "--out", "HERE/f"),
    "verify": ("verify", "NETWORK", "--samples", 2, "--backends", "reference,cpu", "--inputs", "data,random"),
    "run": ("run", "NETWORK", "--samples", 6),
    "map": ("map", "NETWORK", "--samples", 2),
    "energy": ("energy", "NETWORK", "--samples", 2),
    "energy, details": ("energy", "NETWORK", "--samples", 2, "--profile", "loihi2", "--details"),
    "energy, NeuroBench": ("energy", "NETWORK", "--samples", 2, "--neurobench", "HERE/n.json"),
    "exits": ("exits", "NETWORK", "--samples", 20, "--out", "HERE/exits.json"),
    "profiles": ("profiles",),
    "one profile": ("profiles", "loihi2"),
    "fuzz": ("fuzz", "--networks", 1, "--backends", "reference,cpu"),
    "fit before training": ("fit", "CONFIG", "--before-training", "--cores", 2),
    "help": ("help",),
    "init": ("init", "HERE/mine.toml", "--data", "digits"),
}
_PATH = re.compile(r"\S*[/\\]\S*")  # is copied, and so stays whole however long it is


@pytest.mark.parametrize("command", COMMANDS)
def test_lines_end_at_the_edge_and_words_stay_whole(command, config, run, exported, tmp_path, monkeypatch):
    def said(width):
        monkeypatch.setattr(output, "_columns", lambda *, err: width)
        here = tmp_path / str(width)
        here.mkdir()
        places = {"RUN": run, "NETWORK": exported, "CONFIG": config}
        words = [places.get(word, str(word).replace("HERE", str(here))) for word in COMMANDS[command]]
        result = snn_deploy(*words)
        assert result.exit_code in (0, 1), result.output  # 1: does not fit
        return result.output.replace(str(here), "HERE")

    wide = said(10_000)
    known = set(wide.split())
    for width in (80, 140):
        text = said(width)
        long = [line for line in text.splitlines() if len(line) > width and not _PATH.search(line)]
        assert long == [], width
        # Times have digits and differ; formulas of a profile are longer than any column.
        pieces = {word for word in text.split() if not any(c.isdigit() for c in word)} - known
        assert {piece for piece in pieces if set(piece) != {"─"}} == set() or command == "one profile", width

"""Optuna's journal of a search: half a line is removed, other damage is refused, and nothing that was measured goes."""

import json
import os
import signal

import pytest

pytest.importorskip("optuna")

from snn_deploy.search.journal import mend, open_study, optuna
from snn_deploy.search.settings import SearchSettings
from snn_deploy.support.atomic_file import WriteError
from snn_deploy.support.user_error import UserError

SETTINGS = SearchSettings(
    config={}, choices=(), steps=(4, 2), weight_bits=(8, 4), thresholds=("scalar",), profiles=("loihi2",),
    objectives=("accuracy", "energy"), requirements=(), inherited_epochs=1, samples=10, seed=0,
)  # fmt: skip


@pytest.fixture
def journal(tmp_path):
    """The journal of a search that measured one deployment, pruned one and has one before it."""
    study = open_study(SETTINGS, tmp_path)
    for number, chosen in enumerate(SETTINGS.deployments()[:3]):
        study.enqueue_trial(chosen)
        if number < 2:
            trial = study.ask()
            for name, values in SETTINGS.space.items():
                trial.suggest_categorical(name, values)
            study.tell(trial, *(([0.5, 1e-6],) if number == 0 else (None, optuna.trial.TrialState.PRUNED)))
    return tmp_path / "journal.log"


def states(journal):
    return [trial.state.name for trial in open_study(SETTINGS, journal.parent).get_trials()]


def test_an_interrupt_while_optuna_releases_its_lock_is_an_interrupt(tmp_path, monkeypatch):
    study = open_study(SETTINGS, tmp_path)
    unlink = os.unlink

    def interrupted(path, **options):
        unlink(path, **options)
        if "journal.log.lock" in str(path):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "unlink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study.enqueue_trial(SETTINGS.deployments()[0])
    monkeypatch.undo()
    assert states(tmp_path / "journal.log") == ["WAITING"]
    assert not list(tmp_path.glob("*.lock*"))


def test_half_a_line_is_removed_and_the_search_goes_on_from_the_line_before(journal):
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker_')
    (journal.parent / "journal.log.lock").touch()
    mend(journal.parent)
    assert [p.name for p in journal.parent.iterdir()] == ["journal.log"]
    for _ in range(2):  # the first one writes to it
        assert states(journal) == ["COMPLETE", "PRUNED", "WAITING"]


def test_a_whole_journal_and_none_are_left_as_they_are(journal, tmp_path):
    before = journal.read_bytes()
    mend(journal.parent)
    assert journal.read_bytes() == before
    mend(tmp_path / "none")


def changed(line, **entries):
    return json.dumps({**line, **entries})


@pytest.mark.parametrize(
    ("place", "entries", "message"),
    [
        (0, {"op_code": 99}, "Should not reach"),
        (0, {"directions": [2]}, "it has 1 objectives, and the search 2"),
        (1, {"study_id": []}, "unhashable"),
        (1, {"system_attrs": {"fixed_params": {"steps": 3}}}, "trial 0 has 'steps' = 3"),
        (-1, {"system_attrs": {}}, "trial 2 waits without choices"),
        (3, {"param_name": "stops"}, "trial 0 has 'stops' = 4"),
        (3, {"param_value_internal": 7}, "out of range"),
        (10, {"values": [0.5]}, r"trial 0 has the values \[0.5\]"),
        (10, {"values": ["a", "b"]}, "trial 0 has the values"),
        (10, {"values": None}, "trial 0 has the values"),
    ],
)
def test_a_line_that_no_search_wrote_is_refused_in_one(journal, place, entries, message):
    lines = journal.read_text().splitlines()
    lines[place] = changed(json.loads(lines[place]), **entries)
    journal.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(UserError, match=f"not a whole journal of this search .*{message}.*Remove it and go on") as info:
        open_study(SETTINGS, journal.parent)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("content", [b"\xff\n{}\n", b"[\n{}\n", b"3\n", b"[" * 10**5 + b"\n\n"])
def test_what_is_no_journal_is_refused_in_one_line(journal, content):
    journal.write_bytes(content)
    with pytest.raises(UserError, match="not a whole journal"):
        open_study(SETTINGS, journal.parent)


def test_a_journal_in_a_place_that_is_no_folder_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        open_study(SETTINGS, tmp_path / "file")

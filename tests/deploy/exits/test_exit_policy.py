"""Policies: when they stop, the file that keeps them, and what of it is refused."""

import json

import numpy as np
import pytest

from snn_deploy.deploy.exits.exit_policy import (
    Coverage,
    ExitPolicy,
    at_exits,
    read_exit_policy,
    require_same_network,
    write_exit_policy,
)
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.support.user_error import UserError

POLICY = ExitPolicy("abc", "margin", (5, None, 3))


def test_a_sample_stops_in_the_first_step_in_which_it_is_sure():
    margins = np.array([[5, 9, 0, 4], [9, 9, 0, 9], [0, 0, 3, 2], [0, 0, 0, 0]])  # (steps, samples)
    outputs = np.stack([margins, 0 * margins], -1)
    steps = POLICY.exits(outputs)
    assert steps.tolist() == [1, 1, 3, 4]
    assert at_exits(outputs, steps)[:, 0].tolist() == [5, 9, 3, 0]


def test_prediction_sets_hold_what_is_close_to_the_highest_by_the_step():
    outputs = np.array([[10, 6, 0], [10, 6, 0]])
    policy = ExitPolicy("abc", "margin", (1,), coverage=Coverage(0.9, 2.0))
    assert policy.sets(outputs, np.array([1, 2])).tolist() == [[True, False, False], [True, True, False]]
    unknown = ExitPolicy("abc", "margin", (1,), coverage=Coverage(0.9, None))
    assert unknown.sets(outputs, np.array([1, 2])).all()


@pytest.mark.parametrize(
    "policy",
    [
        POLICY,
        ExitPolicy("abc", "entropy", (-0.25, None), temperature=12.5, coverage=Coverage(0.95, 3.25)),
        ExitPolicy("abc", "confidence", (), temperature=1.0, coverage=Coverage(0.5, None)),
    ],
)
def test_a_file_holds_the_policy(policy, tmp_path):
    write_exit_policy(policy, {"test": {"accuracy": 0.5}}, tmp_path / "exits.json")
    assert read_exit_policy(tmp_path / "exits.json") == policy
    assert json.loads((tmp_path / "exits.json").read_text())["policy"]["fitted"] == {"test": {"accuracy": 0.5}}


def _changed(tmp_path, change):
    path = tmp_path / "exits.json"
    write_exit_policy(POLICY, {}, path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["policy"].update(least=[1, None, 3]), "damaged or edited"),
        (lambda c: c.update(version=7), "version 7; this program reads version 1"),
        (lambda c: c.update(kind="other"), "is not an exit policy"),
        (lambda c: c.pop("sha256"), "damaged or edited"),
    ],
)
def test_a_file_that_was_edited_is_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        read_exit_policy(_changed(tmp_path, change))


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_policy_is_one_line(tmp_path, content):
    (tmp_path / "exits.json").write_bytes(content)
    with pytest.raises(UserError, match=r"is not an exit policy.*Fit it again: snn-deploy exits NETWORK"):
        read_exit_policy(tmp_path / "exits.json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "luck"},
        {"network_digest": 3},
        {"least": ("5",)},
        {"least": (float("nan"),)},
        {"least": (True,)},
        {"temperature": 2.0},
        {"rule": "entropy"},
        {"rule": "entropy", "temperature": 0.0},
        {"rule": "entropy", "temperature": float("inf")},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(UserError, match=r"allowed|takes"):
        ExitPolicy(**({"network_digest": "abc", "rule": "margin", "least": (1,)} | wrong))


@pytest.mark.parametrize(("share", "widest"), [(1.0, 1.0), (0.0, 1.0), (0.9, -1.0), (0.9, "x")])
def test_coverage_that_makes_no_sense_is_refused(share, widest):
    with pytest.raises(UserError, match="share between 0 and 1"):
        Coverage(share, widest)


def test_a_policy_is_for_one_network():
    network = random_network(0)
    with pytest.raises(UserError, match=r"e\.json: was fitted on another network"):
        require_same_network(POLICY, network, "e.json")

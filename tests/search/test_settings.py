"""What a search may try and must keep, and which points are Pareto-optimal."""

from dataclasses import replace

import pytest

from snn_deploy.search.front import front
from snn_deploy.search.point import Point
from snn_deploy.search.settings import Deployment, SearchSettings, begin, longer, read_requirement, shown
from snn_deploy.support.user_error import UserError


def settings(**changes):
    given = {
        "config": {"data": {"name": "digits"}}, "choices": (("norm.name", ("a", "b")),), "steps": (2, 8, 4),
        "weight_bits": (8, 4), "thresholds": ("scalar",), "profiles": ("loihi1",), "objectives": ("accuracy", "energy"),
        "requirements": (), "inherited_epochs": 2, "samples": 10, "seed": 0,
    }  # fmt: skip
    return SearchSettings(**given | changes)


def deployed(steps=4, bits=8):
    return Deployment((("norm.name", "a"),), steps, bits, "scalar", "loihi1")


def measured(accuracy, energy, steps=4, pruned=None):
    return Point(deployed(steps), {"accuracy": accuracy, "energy": energy}, pruned)


def test_the_space_is_every_combination_with_most_steps_first():
    asked = settings()
    assert asked.size == len(asked.deployments()) == 12
    assert [d["steps"] for d in asked.deployments()] == [8] * 4 + [4] * 4 + [2] * 4
    keys = {asked.deployment(d).key for d in asked.deployments()}
    assert len(keys) == 12


def test_early_exits_are_a_dimension_that_trains_nothing():
    asked = settings(allowed_losses=(None, 0.001))
    assert asked.size == len(asked.deployments()) == 24
    deployments = [asked.deployment(d) for d in asked.deployments()]
    assert len({d.key for d in deployments}) == 24
    assert {d.allowed_loss for d in deployments} == {None, 0.001}
    assert len({d.without_export() for d in deployments}) == len({(d.choices, d.steps) for d in deployments}) == 6
    assert longer(asked, replace(deployed(2), allowed_loss=0.001)).allowed_loss == 0.001


def test_mappings_are_a_dimension_that_trains_nothing():
    asked = settings(placed_for=("cores", "latency"))
    deployments = [asked.deployment(d) for d in asked.deployments()]
    assert len({d.key for d in deployments}) == asked.size == 24
    assert {d.placed_for for d in deployments} == {"cores", "latency"}
    assert len({d.without_export() for d in deployments}) == 6


def test_what_is_made_to_fit_starts_from_whole_networks():
    asked = settings(fitted_cores=(None, 6))
    assert len({asked.deployment(d).key for d in asked.deployments()}) == asked.size == 24
    assert longer(asked, replace(deployed(2), fitted_cores=6)).fitted_cores is None


def test_fewer_steps_start_from_the_next_more():
    asked = settings()
    assert longer(asked, deployed(2)).steps == 4
    assert longer(asked, deployed(4)).steps == 8
    assert longer(asked, deployed(8)) is None


@pytest.mark.parametrize(
    ("text", "found", "holds"),
    [
        ("accuracy>=98", 0.98, True), ("accuracy >= 98%", 0.979, False), ("energy<=5uJ", 4.9e-6, True),
        ("energy<=5", 5.1e-6, False), ("energy<=5000nJ", 5.1e-6, False), ("latency<=1ms", 0.0009, True),
        ("chips<=1", 2, False), ("cores<=1e2", 100, True),
    ],
)  # fmt: skip
def test_requirements_have_units(text, found, holds):
    assert read_requirement(text).holds(found) is holds


@pytest.mark.parametrize("text", ["", "energy", "energy<5", "enrgy<=5", "energy<=5s", "energy<=x", "cores<=1uJ"])
def test_what_is_no_requirement_is_refused_with_examples(text):
    with pytest.raises(UserError, match=r"--require .*Allowed are MEASURE<=NUMBER"):
        read_requirement(text)


def test_the_front_is_what_nothing_beats():
    best, cheap, beaten, equal = measured(0.9, 5e-6), measured(0.8, 1e-6), measured(0.8, 2e-6), measured(0.9, 5e-6, 2)
    ruled_out = measured(1.0, 0.0, pruned="chips<=1: found 2")
    assert front([beaten, cheap, best, equal, ruled_out], ("accuracy", "energy")) == [best, cheap]
    assert front([beaten, best, cheap], ("energy",)) == [cheap]
    assert front([ruled_out], ("accuracy",)) == []


def test_a_search_goes_on_with_the_same_question_only(tmp_path):
    begin(tmp_path, settings(), resume=False)
    begin(tmp_path, settings(), resume=True)
    with pytest.raises(UserError, match=r"holds a search.*--resume"):
        begin(tmp_path, settings(), resume=False)
    with pytest.raises(UserError, match="cannot be resumed with other samples, steps"):
        begin(tmp_path, settings(samples=20, steps=(4,)), resume=True)
    (tmp_path / "search.json").write_text("{")
    with pytest.raises(UserError, match=r"search.json: not the settings"):
        begin(tmp_path, settings(), resume=True)


def test_numbers_for_people_have_units():
    assert shown("accuracy", 0.98765) == "98.77 %"
    assert shown("energy", 1.2348e-6) == "1.235 uJ"
    assert shown("cores", 12) == "12"

"""The choice of channels on chips whose cores are a formula, beside all choices that there are."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.fitting.accounting import Measures, Targets
from snn_deploy.fitting.choose import by_saving, evenly
from snn_deploy.fitting.parts import SHARES, Channels, Synapses


class Formula:
    """Cores of which each holds so many channels of one layer."""

    def __init__(self, per_core):
        self.per_core = per_core

    def measures(self, removed, silent=None):
        assert not silent
        left = {name: int((~mask).sum()) for name, mask in removed.items()}
        return Measures(sum(math.ceil(count / self.per_core[name]) for name, count in left.items()), 1)


def channels(importances):
    return {name: Channels(values) for name, values in importances.items()}


def cheapest(chip, importances, targets):
    """Return the least loss of all choices that keep to `targets`; None where none does."""
    best = None
    for counts in itertools.product(*(range(len(values)) for values in importances.values())):
        removed = {
            name: np.isin(np.arange(len(values)), np.argsort(values, kind="stable")[:count])
            for (name, values), count in zip(importances.items(), counts, strict=True)
        }
        if chip.measures(removed).excess(targets) == 0:
            loss = sum(float(values[removed[name]].sum()) for name, values in importances.items())
            best = loss if best is None else min(best, loss)
    return best


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_it_reaches_what_can_be_reached_and_gives_back_what_it_need_not_take(seed):
    rng = np.random.default_rng(seed)
    importances = {name: rng.random(rng.integers(2, 9)) for name in ("a", "b", "c")}
    chip = Formula({name: int(rng.integers(1, 5)) for name in importances})
    whole = chip.measures({name: np.zeros(len(values), bool) for name, values in importances.items()}).cores
    targets = Targets(cores=int(rng.integers(1, whole + 1)))
    least = cheapest(chip, importances, targets)

    removed = by_saving(chip, channels(importances), targets, 0.0).channels

    loss = sum(float(values[removed[name]].sum()) for name, values in importances.items())
    assert all(not mask.all() for mask in removed.values())
    if least is None:
        assert chip.measures(removed).cores == len(importances)  # one channel, one core each: nothing comes nearer
        return
    assert chip.measures(removed).excess(targets) == 0
    assert least - 1e-9 <= loss <= 2.5 * least + 1e-9
    for name, values in importances.items():
        taken = np.flatnonzero(removed[name])
        if len(taken):
            kept = removed[name].copy()
            kept[taken[values[taken].argmax()]] = False
            assert chip.measures({**removed, name: kept}).excess(targets) > 0
            assert values[taken].max() <= values[~removed[name]].min()  # the least important of a layer go


def test_the_layer_that_saves_most_for_its_loss_gives():
    importances = {"cheap": np.full(8, 1.0), "dear": np.full(8, 10.0)}
    removed = by_saving(Formula({"cheap": 2, "dear": 2}), channels(importances), Targets(cores=6), 0.0).channels
    assert (removed["cheap"].sum(), removed["dear"].sum()) == (4, 0)
    removed = by_saving(Formula({"cheap": 8, "dear": 1}), channels(importances), Targets(cores=6), 0.0).channels
    assert (removed["cheap"].sum(), removed["dear"].sum()) == (0, 3)


def test_it_stops_where_enough_is_allowed():
    importances = {"a": np.arange(1.0, 11.0)}
    removed = by_saving(Formula({"a": 1}), channels(importances), Targets(cores=4), 0.5).channels
    assert np.flatnonzero(removed["a"]).tolist() == [0, 1, 2, 3]  # 6 cores are half more than 4


def test_evenly_takes_the_same_share_of_every_layer():
    importances = {"a": np.arange(16.0), "b": np.arange(8.0)[::-1]}
    removed = evenly(Formula({"a": 1, "b": 1}), channels(importances), Targets(cores=12), 0.0).channels
    assert np.flatnonzero(removed["a"]).tolist() == list(range(8))
    assert np.flatnonzero(removed["b"]).tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("choose", [by_saving, evenly])
def test_what_cannot_be_reached_leaves_one_channel_at_least(choose):
    parts = channels({"a": np.ones(3), "b": np.ones(5)})
    removed = choose(Formula({"a": 1, "b": 1}), parts, Targets(cores=1), 0.0).channels
    assert all(not mask.all() for mask in removed.values())


class SparseLists:
    """A core for every ten synapses that a connection has, and one for each channel of `a`."""

    weights = np.arange(100).reshape(10, 10)

    def measures(self, removed, silent=None):
        left = self.weights.size - int((silent or {}).get("in-a", np.zeros(1)).sum())
        return Measures(math.ceil(left / 10) + int((~removed["a"]).sum()), 1)


@pytest.mark.parametrize(("of_channels", "share", "channels_left"), [(1.0, 0.5, 10), (1e-3, 0.0, 5)])
def test_synapses_go_where_they_are_worth_less_than_channels(of_channels, share, channels_left):
    asked = []

    def change(of):
        asked.append(of)
        return of

    parts = {"a": Channels(np.full(10, of_channels)), "in-a": Synapses(SparseLists.weights, change)}
    found = by_saving(SparseLists(), parts, Targets(cores=15), 0.0)
    assert found.shares.get("in-a", 0.0) == share
    assert int((~found.channels["a"]).sum()) == channels_left
    assert len(asked) == len(set(asked))  # each is measured once
    half = parts["in-a"].mask(SHARES.index(0.5)).reshape(-1)
    assert half[:50].all()  # the smallest
    assert not half[50:].any()


def test_what_synapses_are_worth_never_falls_with_their_share():
    changes = iter([0.3, 0.1, 0.2, 0.4])
    part = Synapses(SparseLists.weights, lambda share: next(changes))
    assert [part.loss(i) for i in range(5)] == [0.0, 0.3, 0.3, 0.3, 0.4]

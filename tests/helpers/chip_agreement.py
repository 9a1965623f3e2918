"""Random networks through export, check_on_chip, map, the checker and Lava, which have to agree on what is possible.

`python tests/helpers/chip_agreement.py 500` does so with 500 networks of floats and 500 of integers; with a second
number, Lava runs only so many of them.
"""

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
from helpers.random_float_network import random_float_network

import snn_deploy
from snn_deploy.deploy.backends import lava, reference
from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.export.chip.check_on_chip import check_on_chip
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.float_network import FloatInput
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_PLAIN = Features(  # what Loihi 1 has, but for decays and loops
    graded_input=False,
    soft_reset=False,
    reset_value=False,
    initial_value=False,
    adaptation=False,
    extremes=False,
    bias=False,
)
CHIPS = ("loihi1", "loihi2")


def exported_agree(seed: int, *, with_lava: bool) -> list[str]:
    """Export a random network of floats for each chip; return what happened, such as "loihi1: mapped".

    AssertionError where what is exported for a chip is refused by another part of the program.
    """
    rng = np.random.default_rng(seed)
    network = random_float_network(rng, rich=bool(seed % 2))
    if seed % 3:
        network = replace(network, input=FloatInput(network.input.name, network.input.shape, 1, 1.0))
    happened = []
    for name in CHIPS:
        try:
            exported = snn_deploy.export(network, chip=name, shift="bias" if seed % 4 == 3 else "refuse").network
        except UserError as error:
            assert str(error)
            happened.append(f"{name}: not exported")
            continue
        assert check_on_chip(exported, load_profile(name)) == ()
        happened += _mapped(exported, name, seed)
        if with_lava:
            happened += _on_lava(exported, name, seed)
    return happened


def integers_agree(seed: int, *, with_lava: bool) -> list[str]:
    """Take a random network of integers to each chip; return what happened."""
    network = random_network(seed, Features() if seed % 2 else _PLAIN)
    happened = [text for name in CHIPS for text in _mapped(network, name, seed)]
    return happened + (_on_lava(network, "loihi2", seed) if with_lava else [])


def _mapped(network: IntegerNetwork, name: str, seed: int) -> list[str]:
    """Map with the storage and for the objective that the seed gives."""
    chip, storage = load_profile(name), ("nengo-loihi", "margins", "sub-lists")[seed % 3]
    objective = "latency" if seed % 5 == 0 else "cores"
    inputs = random_inputs(network, 2, seed)
    placed = snn_deploy.place(network, chip=name, inputs=inputs, storage=storage, objective=objective)
    refused = check_on_chip(network, chip)
    assert placed.refused == refused
    if refused:
        assert placed.placed is None
        assert not placed.fits
        assert all(not check_on_chip(network, load_profile(s.what.split()[-1])) for s in placed.suggestions)
        return [f"{name}: refused"]
    if placed.placed is None:
        assert placed.violations
        return [f"{name}: does not fit"]
    assert check_placement(network, placed.placed.placement, chip) == []
    assert placed.bound is not None
    assert placed.bound.cores <= placed.cores
    return [f"{name}: mapped, {storage}, for {objective}"]


def _on_lava(network: IntegerNetwork, name: str, seed: int) -> list[str]:
    inputs = random_inputs(network, 1, seed)
    try:
        found = lava.run(network, inputs, record=True)
    except UserError as error:
        assert check_on_chip(network, load_profile(name)), f"{name} can run it, and Lava says: {error}"
        return ["Lava: refused"]
    expected = reference.run(network, inputs, record=True)
    assert found.spikes is not None
    assert expected.spikes is not None
    for population in network.populations:
        np.testing.assert_array_equal(found.spikes[population.name], expected.spikes[population.name])
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    return ["Lava: the same spikes"]


if __name__ == "__main__":
    counts: Counter[str] = Counter()
    lava_for = int(sys.argv[2]) if len(sys.argv) > 2 else int(sys.argv[1])
    for number in range(int(sys.argv[1])):
        for check in (exported_agree, integers_agree):
            try:
                counts.update(check(number, with_lava=number < lava_for and lava.why_unavailable() is None))
            except Exception:  # whatever it is, with the call that repeats it
                print(f"{check.__name__}({number})", flush=True)
                raise
    print(*(f"{times:6} {what}" for what, times in sorted(counts.items())), sep="\n")

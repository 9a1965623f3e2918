"""Random modules of four frameworks, as their users write them: they run, they fire, and from_torch takes them."""

import pytest
from helpers.random_torch_modules import firing, random_module, run_module

SEEDS = 30


@pytest.mark.parametrize("framework", ["snntorch", "spikingjelly", "norse", "sinabs"])
def test_random_modules_run_and_fire_in_every_layer(framework):
    pytest.importorskip(framework, reason=f"{framework} is not installed (the group dev has it)")
    lively = 0
    for seed in range(SEEDS):
        random = random_module(framework, seed)
        rates = [layer.rate for layer in firing(random, random.frames(1)).values()]
        run_module(random, random.frames(2))
        assert rates, random.description
        lively += all(0.03 <= rate <= 0.6 for rate in rates)
    assert lively >= 0.7 * SEEDS

"""Pass: what becomes of a norm's shift: refused, kept as a bias, or moved into thresholds and resets."""

from dataclasses import replace
from typing import Literal

import numpy as np

from snn_deploy.export.passes.graph_pass import NO_BIASES, NO_NORMS, GraphPass
from snn_deploy.network.float_network import FloatNetwork, FloatPopulation
from snn_deploy.support.user_error import UserError

Shift = Literal["refuse", "bias", "reset"]


def require_no_shift(network: FloatNetwork) -> None:
    """Raise UserError where a norm of `network`, before folding, has a shift. A population's own bias is no shift."""
    for c in network.connections:
        shifted = 0 if c.norm is None else int((c.norm.offset != 0).sum())
        if c.norm is not None and shifted:
            raise UserError(
                f"connection {c.name!r}: its norm shifts {shifted} of {len(c.norm.offset)} channels by up to "
                f"{abs(c.norm.offset).max():.3g} in every step. Folded, that is a bias, and the exported networks are "
                "bias-free unless they were made with biases; leaving it out would cost accuracy silently. Choose "
                "--shift bias or --shift reset, or train with a norm that has no shift: "
                'norm.name = "centered_tdbn" (or "scale_tdbn").'
            )


def place_shift(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network without biases; `network` itself, whose norms are folded, is left unchanged.

    The potentials of a population with the bias b are counted from c = b / (1 - voltage_keep), where they would end up
    without any input, so threshold, reset value and initial value are c lower. Refused by channel where a threshold
    would not be positive.
    """
    moved = (_moved(p, network.steps) if p.bias.any() else p for p in network.populations)
    return replace(network, populations=tuple(moved))


def _moved(population: FloatPopulation, steps: int) -> FloatPopulation:
    p, where = population, f"population {population.name!r}"
    if not p.fires:
        if (p.voltage_keep != 1).any():
            raise UserError(f"{where}: never fires and decays, so its potentials are its result. Choose --shift bias.")
        # Only the potential after the last step is read, and nothing decays: all biases can be there from the start.
        return replace(p, bias=np.zeros(()), initial_value=p.initial_value + steps * p.bias)
    if p.reset == "subtract":
        raise UserError(f"{where}: a soft reset takes off the threshold, which a shift changes. Choose --shift bias.")
    endless = (p.bias != 0) & (p.voltage_keep == 1)
    if endless.any():
        raise UserError(
            f"{where}, channel {int(endless.argmax())}: has a bias and no leak, so the bias piles up without end and "
            "no shift of potentials equals it. Choose --shift bias."
        )
    keep = np.where(p.voltage_keep == 1, 0, p.voltage_keep)
    center = p.bias / (1 - keep)
    threshold = p.threshold - center
    if threshold.min() <= 0:
        channels = np.flatnonzero(threshold <= 0)
        raise UserError(
            f"{where}, channel {channels[0]}: its bias {p.bias[channels[0]]:.3g} alone drives it to its threshold, so "
            f"the shifted threshold would be {threshold[channels[0]]:.3g} (such channels: {len(channels)} of "
            f"{len(threshold)}); allowed is one above 0. Choose --shift bias."
        )
    return replace(
        p,
        bias=np.zeros(()),
        threshold=threshold,
        reset_value=p.reset_value - center,
        initial_value=p.initial_value - center,
    )


# Norms become biases when they are folded, so shifts are placed after that.
PLACE_SHIFT = GraphPass(place_shift, requires=(NO_NORMS,), establishes=(NO_BIASES,))

"""check_on_chip: whether a chip can do what an integer network does, before any core is looked at.

The exporter, the mapping, the search, the report and every suggestion ask here, so that none of them accepts what
another refuses. How many cores it takes is another question (deploy/mapping).
"""

from collections.abc import Iterator

import numpy as np

from snn_deploy.export.chip.input_beyond import input_beyond
from snn_deploy.export.chip.limits import limits_of, most_weight_bits
from snn_deploy.export.chip.neurons import ChipNeurons, chip_neurons
from snn_deploy.export.proof.prove_bounds import largest_arrivals, prove_bounds
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.layer_times import schedule
from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.rounding.fit import biases_held
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.counted import counted
from snn_deploy.support.user_error import UserError

_PROGRAMMABLE = "Choose a chip with programmable neurons: --profile loihi2."
_LEAST_BITS = 2  # of the weights that limits_of takes


def check_on_chip(network: IntegerNetwork, chip: HardwareProfile) -> tuple[str, ...]:
    """Return a sentence for each thing in `network` that `chip` cannot do; none where its neurons can be all of it.

    Raises
    ------
    UserError
        For a profile that is no chip.
    """
    limits, neurons = limits_of(chip, _LEAST_BITS), chip_neurons(chip)
    found = [*input_beyond(network.input, chip)]
    for population in network.populations:
        found += _of_decays(population, neurons)
        if not neurons.is_programmable:
            found += _of_the_reset(population, neurons)
        found += _of_mantissas(population, limits, chip)
    for connection in network.connections:
        found += _of_weights(connection, chip)
    return (*found, *_of_delays(network, neurons), *_of_sums(network, limits, chip))


def require_on_chip(network: IntegerNetwork, chip: HardwareProfile) -> None:
    """Raise UserError with the first sentence of `check_on_chip`, and how many follow, where there is one."""
    if found := check_on_chip(network, chip):
        more = f" (and {counted(len(found) - 1, 'more reason')})" if len(found) > 1 else ""
        raise UserError(f"{found[0]}{more}")


def _of_decays(population: IntegerPopulation, chip: ChipNeurons) -> Iterator[str]:
    for name, (least, most) in (("voltage_keep", chip.voltage_keeps), ("current_keep", chip.current_keeps)):
        keeps = getattr(population, name)
        outside = np.flatnonzero((keeps < least) | (keeps > most))
        if len(outside):
            yield (
                f"population {population.name!r}, channel {outside[0]}: {name} {keeps[outside[0]] / DECAY_UNITY:g}; "
                f"{chip.name} holds {least} to {most} / {DECAY_UNITY}. Export with --round-decays (round_decays=True), "
                "or choose another profile."
            )


def _of_the_reset(population: IntegerPopulation, chip: ChipNeurons) -> Iterator[str]:
    where = f"population {population.name!r}"
    if population.fires and population.reset == "subtract":
        cost = f" (it takes {chip.soft_reset_neurons} neurons each)" if chip.soft_reset_neurons else ""
        yield f"{where}: a soft reset; {chip.name} resets to 0 alone{cost}. {_PROGRAMMABLE}"
    for name in ("reset_value", "initial_value"):
        values = getattr(population, name)
        if values.any() and (population.fires or name == "initial_value"):
            channel = int((values != 0).argmax())
            yield (
                f"{where}, channel {channel}: {name} {values[channel]} state units; {chip.name} has 0 alone. "
                f"{_PROGRAMMABLE}"
            )
    if population.adapts:
        yield f"{where}: a threshold that its spikes raise; {chip.name} has constant ones alone. {_PROGRAMMABLE}"


def _of_mantissas(population: IntegerPopulation, limits: Limits, chip: HardwareProfile) -> Iterator[str]:
    where = f"population {population.name!r}"
    if population.fires and population.threshold.max() > limits.largest_threshold:
        yield (
            f"{where}: a threshold of {population.threshold.max()}; {chip.name} holds up to "
            f"{limits.largest_threshold}. Export again with --profile {chip.name}."
        )
    held = biases_held(population.bias, limits)
    if not held.all():
        channel = int(held.argmin())
        yield (
            f"{where}, channel {channel}: a bias of {population.bias[channel]} state units; {chip.name} holds "
            f"{limits.bias_mantissa} at most, times 2^0 to 2^{limits.bias_exponent}. Export again with --profile "
            f"{chip.name}."
        )


def _of_weights(connection: IntegerConnection, chip: HardwareProfile) -> Iterator[str]:
    least, most = int(connection.weights.min(initial=0)), int(connection.weights.max(initial=0))
    stored = chip.whole("weight.stored_bits_max")
    has_one_sign = most_weight_bits(chip) > stored and not least < 0 < most
    largest = 2**stored - 1 if has_one_sign else 2 ** (stored - 1) - 1
    if most > largest or least < -largest - (not has_one_sign):
        yield (
            f"connection {connection.name!r}: weights {least}..{most}; {chip.name} stores {stored} bits. "
            f"Export again with --weight-bits {stored}."
        )


def _of_delays(network: IntegerNetwork, chip: ChipNeurons) -> Iterator[str]:
    try:
        times = schedule(network)
    except UserError as error:
        yield str(error)
        return
    for c in network.connections:
        delay = times.slack(c)
        if chip.largest_delay is not None and delay > chip.largest_delay:
            waits = "" if delay == c.delay else f" (its own {c.delay}, and until the longest way is there)"
            yield (
                f"connection {c.name!r}: a delay of {delay} steps{waits}; {chip.name} holds {chip.largest_delay}. "
                "Train with shorter delays, or choose another profile."
            )


def _of_sums(network: IntegerNetwork, limits: Limits, chip: HardwareProfile) -> Iterator[str]:
    if limits.accumulator_bits is not None:
        for p in network.populations:
            largest = int(np.maximum(*largest_arrivals(network, p)).max())
            if largest > limits.largest_arrival:
                yield (
                    f"population {p.name!r}: up to {largest} state units can arrive in a step; {chip.name} adds them "
                    f"in {limits.accumulator_bits} bits, up to {limits.largest_arrival}. Export again with --profile "
                    f"{chip.name}, which scales the weights for it."
                )
    if limits.state_bits < Limits.state_bits:  # at 24 bits the integer network wraps and saturates as the chip does
        for bounds in prove_bounds(network).values():
            largest = int(max(bounds.current.max(), bounds.potential.max()))
            if largest > limits.largest_state:
                yield (
                    f"population {bounds.population!r}: its states can reach {largest}; {chip.name} holds "
                    f"{limits.state_bits} bits, up to {limits.largest_state}. Export again with --profile {chip.name}."
                )

"""input_beyond: whether the spikes of a chip carry the values of a network's input."""

from collections.abc import Iterator

from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerInput


def input_beyond(entry: IntegerInput, chip: HardwareProfile) -> Iterator[str]:
    """Yield a sentence where `chip` cannot be shown the values of `entry`."""
    payload, value = chip.find("spike.payload_bits"), entry.largest_value
    most = 1 if payload is None or not payload.value else 2 ** chip.whole("spike.payload_bits") - 1
    if payload is not None and value > most:
        yield (
            f"input {entry.name!r}: values up to {value}; spikes of {chip.name} carry "
            f"{f'values up to {most}' if most > 1 else 'no value, so an input is 0 or 1'}. Choose --profile loihi2, or "
            "train on spikes: data of events, or images turned into spikes beforehand."
        )

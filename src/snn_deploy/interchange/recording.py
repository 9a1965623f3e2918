"""recording: what a network got and did in the framework where it came from, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.support.user_error import UserError

INPUTS, LABELS = "inputs", "labels"
SPIKES, POTENTIALS = "spikes", "potentials"


@dataclass(frozen=True)
class Recording:
    """Inputs, and what neurons did.

    source: a name for messages. inputs: as the network takes them, times `input_scale`; (steps, samples, *shape) or,
    shown in every step, (samples, *shape). observed: layer -> "spikes" or "potentials" -> values, (steps, samples,
    *shape) or with the neurons in a row; potentials may be (samples, *shape), those after the last step.
    """

    source: str
    inputs: np.ndarray
    observed: Mapping[str, Mapping[str, np.ndarray]]
    input_scale: float = 1.0


def recording_of(arrays: Mapping[str, np.ndarray], source: str) -> Recording:
    """Return the recording that named arrays are: `inputs`, maybe `labels`, and the spikes or potentials of layers."""
    if INPUTS not in arrays:
        raise UserError(
            f"{source}: no array {INPUTS!r} among {', '.join(sorted(arrays)) or 'none'}. Save the inputs beside the "
            f"spikes: np.savez(path, {INPUTS}=inputs, LAYER=spikes, ...)."
        )
    observed = {name: {SPIKES: a, POTENTIALS: a} for name, a in arrays.items() if name not in (INPUTS, LABELS)}
    return Recording(source, np.asarray(arrays[INPUTS]), observed)

"""neuron_nodes: a population as one of NIR's neurons, for forward Euler with the given time step."""

from typing import Any

import numpy as np

from snn_deploy.network.float_network import FloatPopulation
from snn_deploy.support.user_error import UserError


def neuron_node(population: FloatPopulation, time_step: float) -> Any:
    """Return the LIF, IF, CubaLIF, LI, I or CubaLI; what none of them can hold is a UserError.

    Its parameters have the shape of the population; how its threshold adapts is not among them. NIR's neurons fire
    strictly above their threshold: where this one fires at it, the threshold is the next smaller double, so that both
    fire for the same potentials.
    """
    import nir  # noqa: PLC0415

    p, where = population, f"population {population.name!r}"
    _require_expressible(p, where)

    def full(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values.reshape(-1, *[1] * (len(p.shape) - 1)), p.shape).copy()

    threshold = np.nextafter(p.threshold, -np.inf) if p.fires_at_threshold else p.threshold
    zero = np.zeros(p.shape[0])
    fields = {"v_threshold": full(threshold), "v_reset": full(p.reset_value)} if p.fires else {}
    if (p.voltage_keep == 1).all() and not p.current_keep.any():
        return (nir.IF if p.fires else nir.I)(r=full(zero + 1 / time_step), **fields)
    tau = time_step / (1 - p.voltage_keep)
    fields |= {"r": full(tau / time_step), "v_leak": full(zero)}
    if p.current_keep.any():
        synapse = time_step / (1 - p.current_keep)
        fields |= {"tau_syn": full(synapse), "tau_mem": full(tau), "w_in": full(synapse / time_step)}
        return (nir.CubaLIF if p.fires else nir.CubaLI)(**fields)
    return (nir.LIF if p.fires else nir.LI)(tau=full(tau), **fields)


def _require_expressible(p: FloatPopulation, where: str) -> None:
    keeps_all = p.voltage_keep == 1
    reason = None
    if p.fires and p.reset == "subtract":
        reason = "resets by subtraction; NIR's neurons go to v_reset"
    elif (p.current_keep == 1).any():
        reason = "has a synaptic current that never decays"
    elif keeps_all.any() and p.current_keep.any():
        reason = "has a synaptic current beside a potential that never decays"
    elif keeps_all.any() and not keeps_all.all():
        reason = "has channels that decay and channels that do not"
    elif (p.initial_value != (p.reset_value if p.fires and keeps_all.all() else 0)).any():
        reason = (
            f"starts at {p.initial_value[p.initial_value != 0][0]:g}; NIR says no initial potential: rest"
            if p.initial_value.any()
            else "starts at 0 and resets elsewhere without a leak; NIR's IF starts where it resets"
        )
    if reason:
        raise UserError(f"{where}: {reason}, so NIR cannot hold it. Export with --target loihi, or change the network.")

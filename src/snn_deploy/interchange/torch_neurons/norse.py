"""Norse's neurons (norse 1.1, torch/module/, torch/functional/), without importing it.

One step: i += input; v += dt tau_mem_inv (v_leak - v + i); i -= dt tau_syn_inv i; a spike where v > v_th, which sets v
to v_reset. Box neurons have no i. Cells take one step and the state of the one before; the others a whole sample, steps
first. Without a state they start at v_leak. Parameters are tensors of single precision outside of the module's
buffers, so products with dt are taken as torch takes them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Dense, NodeError
from snn_deploy.interchange.linear.torch_neuron import NeuronCall, TorchNeurons, refused, require_keep
from snn_deploy.network.neuron_reset import Reset


def leaky(module: Any) -> TorchNeurons:
    """Return what a LIF or a LIFCell does in one step."""
    return _leaky(module, current_keep=_keep(module, "tau_syn_inv"))


def leaky_box(module: Any) -> TorchNeurons:
    """Return what a LIFBoxCell does in one step."""
    name = getattr(module.p.reset_method, "__name__", str(module.p.reset_method))
    if name not in _RESETS:
        raise NodeError(f"reset_method {name}; allowed are {' and '.join(_RESETS)}.")
    return _leaky(module, reset=_RESETS[name])


def integrate_and_fire(module: Any) -> TorchNeurons:
    """Return what an IAF or an IAFCell does in one step: v += input, from v_reset."""
    reset_value = _number(module.p.v_reset)
    one, threshold = np.ones(()), _number(module.p.v_th)
    return TorchNeurons(one, threshold, False, reset_value=reset_value, initial_value=reset_value)


def integrator(module: Any) -> TorchNeurons:
    """Return what a LI, LICell or LILinearCell does in one step: a LIF that never fires and shows its potential."""
    return _leaky(module, current_keep=_keep(module, "tau_syn_inv"), fires=False)


def integrator_box(module: Any) -> TorchNeurons:
    """Return what a LIBoxCell does in one step."""
    return _leaky(module, fires=False)


def recurrent(module: Any) -> TorchNeurons:
    """Return what a LIFRecurrent or a LIFRecurrentCell does in one step, without its input weights."""
    weights = _number(module.recurrent_weights)
    return _leaky(module, current_keep=_keep(module, "tau_syn_inv"), loop=Dense(weights, np.zeros(len(weights))))


def called(module: Any, arguments: Mapping[str, Any], result: Any) -> NeuronCall:
    """Return the tensors of a call.

    Input weights are inside of the recurrent neurons and the LILinearCell: what arrives at the neurons is computed
    here, once more, for the tracer to see.
    """
    arrives = arguments["input_tensor"]
    leaves, after = result
    before = arguments.get("state")
    if hasattr(module, "input_weights"):
        arrives = torch.nn.functional.linear(arrives, module.input_weights)
    is_one_step = any(kind.__name__.endswith("Cell") for kind in type(module).__mro__)
    return NeuronCall(
        arrives,
        leaves,
        None if before is None else tuple(_tensors(before)),
        tuple(_tensors(after)) if is_one_step or not module.record_states else (),
        before is None,
        "none" if is_one_step else "first",
    )


def _tensors(state: Any) -> Iterator[torch.Tensor]:
    """Return the tensors of a state, which may hold another one."""
    for part in state:
        yield from [part] if isinstance(part, torch.Tensor) else _tensors(part)


def forget(_module: Any) -> None:
    """Leave the module as it is: the caller keeps the states."""


def _leaky(
    module: Any,
    *,
    current_keep: np.ndarray | None = None,
    fires: bool = True,
    reset: Reset = "value",
    loop: Dense | None = None,
) -> TorchNeurons:
    p, share, leak = module.p, _share(module, "tau_mem_inv"), _number(module.p.v_leak)
    keep, nothing = 1 - share, np.zeros(())
    require_keep("dt * tau_mem_inv", keep)
    return TorchNeurons(
        keep,
        _number(p.v_th) if fires else np.ones(()),
        False,
        nothing if current_keep is None else current_keep,
        gain=share,
        bias=share * leak,
        reset=reset,
        reset_value=_number(p.v_reset) if fires and reset == "value" else nothing,
        initial_value=leak,
        recurrent=loop,
        fires=fires,
    )


def _keep(module: Any, name: str) -> np.ndarray:
    keep = 1 - _share(module, name)
    require_keep(f"dt * {name}", keep)
    return keep


def _share(module: Any, name: str) -> np.ndarray:
    """Return what a step replaces of a state: dt * `name`, rounded as torch rounds it."""
    return _number(module.dt * getattr(module.p, name))


def _number(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value, np.float64)


_RESETS: dict[str, Reset] = {"reset_value": "value", "reset_subtract": "subtract"}


def _all(kinds: tuple[str, ...], reason: str) -> dict[str, Callable[[Any], TorchNeurons]]:
    return dict.fromkeys(kinds, refused(reason))


CLASSES: dict[str, Callable[[Any], TorchNeurons]] = {
    "LIF": leaky,
    "LIFCell": leaky,
    "LIFBoxCell": leaky_box,
    "IAF": integrate_and_fire,
    "IAFCell": integrate_and_fire,
    "LI": integrator,
    "LICell": integrator,
    "LILinearCell": integrator,
    "LIBoxCell": integrator_box,
    "LIFRecurrent": recurrent,
    "LIFRecurrentCell": recurrent,
    **_all(
        ("LIFRefracCell", "LIFRefracRecurrent", "LIFRefracRecurrentCell"),
        "it takes nothing in for some steps after a spike (refractory). Use a LIF.",
    ),
    **_all(
        (
            "LIFAdExRefracCell",
            "LIFAdExRefracRecurrent",
            "LIFAdExRefracRecurrentCell",
            "LIFAdEx",
            "LIFAdExCell",
            "LIFAdExRecurrent",
            "LIFAdExRecurrentCell",
            "LIFEx",
            "LIFExCell",
            "LIFExRecurrent",
            "LIFExRecurrentCell",
        ),
        "its potential grows exponentially near the threshold. Use a LIF.",
    ),
    **_all(
        ("LSNN", "LSNNCell", "LSNNRecurrent", "LSNNRecurrentCell"),
        "its threshold moves with its spikes (adaptation). Use a LIF.",
    ),
    **_all(
        ("Izhikevich", "IzhikevichCell", "IzhikevichRecurrent", "IzhikevichRecurrentCell"),
        "its potential follows a curve, not a constant decay. Use a LIF.",
    ),
    **_all(("CobaLIFCell",), "its input changes conductances, not currents. Use a LIF."),
    **_all(("LIFMCRecurrentCell", "LIFMCRefracRecurrentCell"), "its neurons have several compartments. Use a LIF."),
    **_all(("LIFCorrelation",), "its weights change while it runs. Use a LIFRecurrent."),
    **_all(("ConstantCurrentLIFEncoder", "SpikeLatencyLIFEncoder"), "it encodes inputs. Pass in what it puts out."),
}

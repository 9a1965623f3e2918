"""from_torch: a torch.nn.Module of supported layers as a FloatNetwork.

Taken are torch.nn.Sequential, nested, of Conv2d, Linear, AvgPool2d, Flatten, BatchNorm1d and 2d with running
statistics, Dropout and Identity (nothing, as in evaluation), and the spiking neurons of torch_neurons/: snnTorch,
SpikingJelly and the LIF of this package. Other modules are refused: what they do can only be found by tracing, and a
tracer that misreads a branch or a loop gives another network without a word. A network with branches comes in as NIR.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.chain import connection_fields
from snn_deploy.interchange.linear.operations import (
    Convolution,
    Dense,
    Flatten,
    NodeError,
    Operation,
    Pool,
    Shape,
    per_channel,
)
from snn_deploy.interchange.linear.torch_neuron import TorchNeurons
from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError

_INPUT, _OUTPUT = "input", "output"


@dataclass
class _Reader:
    """What was read so far: populations and connections, and since the last population operations, bias and norm."""

    source: str
    source_shape: Shape
    shape: Shape
    populations: list[FloatPopulation] = field(default_factory=list)
    connections: list[FloatConnection] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    constant: np.ndarray | None = None  # what the biases since the last population add up to, of `shape`
    norm: ChannelNorm | None = None
    name: str = ""  # of the last weights


def from_torch(
    module: torch.nn.Module,
    input_shape: tuple[int, ...],
    steps: int,
    *,
    largest_value: int = 255,
    scale: float | None = None,
) -> FloatNetwork:
    """Return the network in floats that `module` is, with its weights in double precision.

    Parameters
    ----------
    module
        A torch.nn.Sequential of supported layers and spiking neurons. One that ends in weights, not in neurons, gets an
        output that sums them over the steps.
    input_shape
        (channels, height, width) or (features,), without the batch.
    steps
        Time steps per sample.
    largest_value, scale
        Inputs are whole numbers 0..largest_value (255 for pixels, 1 for spikes) times `scale`; None is
        1 / largest_value.

    Raises
    ------
    UserError
        Names every module that cannot be taken, and why.
    """
    shape = tuple(int(s) for s in input_shape)
    reader = _Reader(_INPUT, shape, shape)
    refused: list[str] = []
    for name, layer in _layers(module, ""):
        try:
            _read(reader, name, layer)
        except NodeError as error:
            refused.append(f"{name or 'module'} ({type(layer).__name__}): {error}")
            if _changes_shape(layer):
                break  # what comes after would be refused for a shape that is not known
    if refused:
        raise UserError(f"from_torch: {len(refused)} modules cannot be taken. {' '.join(refused)}")
    if reader.operations or reader.norm is not None or not reader.populations:
        if not reader.operations:
            raise UserError("from_torch: no neurons and no weights. Give a module with at least one of them.")
        zero = np.zeros(())
        _add_population(reader, _OUTPUT, TorchNeurons(np.ones(()), zero, False), fires=False)
    entry = FloatInput(_INPUT, shape, largest_value, 1 / largest_value if scale is None else scale)
    return FloatNetwork(
        entry, tuple(reader.populations), tuple(reader.connections), steps, {"torch": type(module).__name__}
    )


def _layers(module: torch.nn.Module, name: str) -> list[tuple[str, torch.nn.Module]]:
    """Return (name, module) of everything that runs in a row; names are those of named_modules()."""
    if type(module) is not torch.nn.Sequential:
        return [(name, module)]
    prefix = f"{name}." if name else ""
    return [pair for child, part in module.named_children() for pair in _layers(part, prefix + child)]


def _changes_shape(layer: torch.nn.Module) -> bool:
    known = (torch.nn.Dropout, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    return not isinstance(layer, known) and _package(layer) not in plugin_names("interchange.torch_neurons")


def _package(layer: torch.nn.Module) -> str:
    return type(layer).__module__.split(".", maxsplit=1)[0]


def _read(reader: _Reader, name: str, layer: Any) -> None:
    package, kind = _package(layer), type(layer).__name__
    if package in ("torch", "spikingjelly") and isinstance(
        layer, torch.nn.Identity | torch.nn.Dropout | torch.nn.Dropout2d
    ):
        return
    if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
        _read_norm(reader, layer)
        return
    classes = (
        load_plugin("interchange.torch_neurons", package).CLASSES
        if package in plugin_names("interchange.torch_neurons")
        else {}
    )
    if kind in classes:
        _add_population(reader, f"{name or kind}", classes[kind](layer))
        return
    if package not in ("torch", "spikingjelly"):
        raise NodeError(_UNKNOWN)
    if isinstance(layer, torch.nn.Conv2d):
        operation: Operation = _convolution(layer)
    elif isinstance(layer, torch.nn.Linear):
        operation = Dense(_array(layer.weight), _bias(layer))
    elif isinstance(layer, torch.nn.AvgPool2d):
        operation = _pool(layer, reader.shape)
    elif isinstance(layer, torch.nn.Flatten):
        _require(layer.start_dim == 1, f"start_dim {layer.start_dim}; allowed is 1, everything but the batch.")
        operation = Flatten(0, layer.end_dim if layer.end_dim < 0 else layer.end_dim - 1, None)
    elif isinstance(layer, torch.nn.MaxPool2d):
        raise NodeError("its result is no sum of spikes, so no chip with additive synapses can compute it exactly.")
    else:
        raise NodeError(_UNKNOWN)
    _add_operation(reader, name, operation)


_UNKNOWN = (
    "not known. Taken are Sequential, Conv2d, Linear, AvgPool2d, Flatten, BatchNorm, Dropout, Identity, and neurons of "
    "snntorch (Leaky, Synaptic), spikingjelly (IFNode, LIFNode, ParametricLIFNode) and snn_deploy (LIF); their "
    "subclasses are not. Write the module as a Sequential of these, or bring it in as a NIR file."
)


def _add_operation(reader: _Reader, name: str, operation: Operation) -> None:
    shape = operation.output_shape(reader.shape)
    averages = isinstance(operation, Pool) and operation.mode == "average"
    _require(reader.norm is None or averages, "it follows a norm; allowed there are average pooling and neurons.")
    if reader.constant is not None and reader.constant.any():
        constant = operation.apply(reader.constant[None])[0]
    else:
        constant = np.zeros(shape)
    if isinstance(operation, Convolution | Dense):
        constant = constant + operation.bias.reshape(-1, *[1] * (len(shape) - 1))
        reader.name = name
    reader.constant, reader.shape = constant, shape
    reader.operations.append(operation)


def _read_norm(reader: _Reader, layer: Any) -> None:
    """Take a norm with its running statistics; a bias before it moves into its mean."""
    _require(_package(layer) in ("torch", "spikingjelly"), _UNKNOWN)
    _require(bool(reader.operations) and reader.norm is None, "a norm that follows no weights.")
    _require(layer.running_mean is not None, "it keeps no running statistics. Use track_running_stats=True.")
    channels = layer.num_features
    _require(reader.shape[0] == channels, f"{channels} channels; what arrives is {reader.shape}.")
    constant = per_channel(
        np.zeros(()) if reader.constant is None else reader.constant, reader.shape, "the bias before it"
    )
    reader.norm = ChannelNorm(
        _array(layer.running_mean) - constant,
        _array(layer.running_var),
        np.ones(channels) if layer.weight is None else _array(layer.weight),
        np.zeros(channels) if layer.bias is None else _array(layer.bias),
        layer.eps,
    )
    reader.constant = None


def _add_population(reader: _Reader, name: str, found: TorchNeurons, *, fires: bool = True) -> None:
    """End what was read with neurons."""
    shape = reader.shape
    n = {
        what: per_channel(getattr(found, what), shape, what)
        for what in (
            "voltage_keep",
            "threshold",
            "current_keep",
            "gain",
            "bias",
            "reset_value",
            "initial_value",
            "feedback",
        )
    }
    fields = connection_fields(reader.operations, reader.source_shape)
    gain, constant = n["gain"], np.zeros(shape[0])
    if reader.constant is not None:
        constant = per_channel(reader.constant, shape, "what the biases before it add up to") * gain
    norm = reader.norm and replace(reader.norm, gain=reader.norm.gain * gain, shift=reader.norm.shift * gain)
    if norm is None:
        fields["weights"] = fields["weights"] * gain.reshape(-1, *[1] * (fields["weights"].ndim - 1))
    if constant.any() and n["current_keep"].any():
        one, zero = np.ones_like(gain), np.zeros_like(gain)
        norm, constant = ChannelNorm(zero, one, one, constant, 0.0), zero
    wanted = reader.name or f"{reader.source}-{name}"
    reader.connections.append(FloatConnection(wanted, reader.source, name, norm=norm, **fields))
    reader.populations.append(
        FloatPopulation(
            name,
            shape,
            n["threshold"],
            n["voltage_keep"],
            n["current_keep"],
            fires,
            found.fires_at_threshold,
            n["bias"] + constant,
            found.reset,
            n["reset_value"],
            n["initial_value"],
        )
    )
    if n["feedback"].any():
        itself = _to_itself(n["feedback"], shape)
        reader.connections.append(FloatConnection(f"{name}-{name}", name, name, delay=1, **itself))
    reader.source, reader.source_shape, reader.name = name, shape, ""
    reader.operations, reader.constant, reader.norm = [], None, None


def _to_itself(weights: np.ndarray, shape: Shape) -> dict[str, Any]:
    if len(shape) == 1:
        return {"weights": np.diag(weights)}
    return {"weights": weights[:, None, None, None], "groups": len(weights)}


def _convolution(layer: torch.nn.Conv2d) -> Convolution:
    _require(layer.padding_mode == "zeros", f"padding_mode {layer.padding_mode!r}; allowed is 'zeros'.")
    padding = layer.padding
    if isinstance(padding, str):
        total = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        _require(padding == "valid" or not any(t % 2 for t in total), "padding 'same' with an even kernel.")
        padding = (0, 0) if padding == "valid" else (total[0] // 2, total[1] // 2)
    return Convolution(
        _array(layer.weight), _bias(layer), _pair(layer.stride), _pair(padding), _pair(layer.dilation), layer.groups
    )


def _pool(layer: torch.nn.AvgPool2d, shape: Shape) -> Operation:
    window, stride, padding = _pair(layer.kernel_size), _pair(layer.stride), _pair(layer.padding)
    plain = not layer.ceil_mode and layer.divisor_override is None and (layer.count_include_pad or padding == (0, 0))
    _require(plain, "ceil_mode, divisor_override or padding that does not count; allowed are none of them.")
    if stride == window and padding == (0, 0):
        return Pool(window, "average")
    kernel = np.full((shape[0], 1, *window), 1 / (window[0] * window[1]))
    return Convolution(kernel, np.zeros(shape[0]), stride, padding, groups=shape[0])


def _bias(layer: Any) -> np.ndarray:
    return np.zeros(len(layer.weight)) if layer.bias is None else _array(layer.bias)


def _array(tensor: torch.Tensor) -> np.ndarray:
    values: np.ndarray = tensor.detach().cpu().double().numpy()
    _require(bool(np.isfinite(values).all()), "its values are not finite. Train again.")
    return values


def _pair(value: Any) -> Pair:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _require(is_so: bool, reason: str) -> None:
    if not is_so:
        raise NodeError(reason)

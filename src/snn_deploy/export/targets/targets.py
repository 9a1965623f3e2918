"""targets: what each target gets beside network.npz."""

from collections.abc import Callable
from pathlib import Path

from snn_deploy.export.targets.netx import write_netx
from snn_deploy.export.targets.onnx import write_onnx
from snn_deploy.network.integer_network import IntegerNetwork

# Target -> the file's name, and what writes it.
TARGETS: dict[str, tuple[str, Callable[[IntegerNetwork, Path], None]]] = {
    "loihi": ("network.net", write_netx),
    "onnx": ("network.onnx", write_onnx),
}

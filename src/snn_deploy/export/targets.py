"""targets: what each target gets beside network.npz."""

from collections.abc import Callable
from pathlib import Path

from snn_deploy.export.integer_network import IntegerNetwork
from snn_deploy.export.write_netx import write_netx
from snn_deploy.export.write_onnx import write_onnx

# Target -> the file's name, and what writes it.
TARGETS: dict[str, tuple[str, Callable[[IntegerNetwork, Path], None]]] = {
    "loihi": ("network.net", write_netx),
    "onnx": ("network.onnx", write_onnx),
}

"""snn-deploy: bring a trained spiking network to neuromorphic hardware without changing one spike.

The names below are the Python API, see docs/python_api.md. Each is loaded when it is first used, so that
`import snn_deploy` loads neither torch nor any backend.
"""

from importlib import import_module
from typing import Any

_PLACES = {
    "LIF": "train.lif_module",
    "NirReading": "export.nir_parts.reading",
    "UserError": "user_error",
    "export_network": "api",
    "from_torch": "train.from_torch",
    "read_nir": "export.read_nir",
    "reset": "train.lif_module",
    "verify": "deploy.verify",
    "write_nir": "export.write_nir",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'snn_deploy' has no attribute {name!r}")
    return getattr(import_module(f"snn_deploy.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])

"""snn-deploy: bring a trained spiking network to neuromorphic hardware without changing one spike.

The names below are the Python API, see docs/python_api.md. Each is loaded when it is first used, so that
`import snn_deploy` loads neither torch nor any backend.
"""

from importlib import import_module
from typing import Any

_PLACES = {
    "LIF": "train.layers.lif_module",
    "NirReading": "interchange.nir.reading",
    "UserError": "support.user_error",
    "export_network": "api",
    "from_torch": "interchange.from_torch",
    "read_nir": "interchange.read_nir",
    "reset": "train.layers.lif_module",
    "verify": "deploy.verification.verify",
    "write_nir": "interchange.write_nir",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'snn_deploy' has no attribute {name!r}")
    return getattr(import_module(f"snn_deploy.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])

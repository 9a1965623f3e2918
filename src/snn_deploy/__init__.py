"""snn-deploy: bring a trained spiking network to neuromorphic hardware without changing one spike.

The names below are the Python API, see `snn-deploy help python_api`; __init__.pyi has their types. Each is loaded when
it is first used, so that `import snn_deploy` loads neither torch nor any backend.
"""

import sys
from importlib import import_module
from types import ModuleType

_PLACES = {
    "LIF": "train.layers.lif_module",
    "NetReading": "interchange.lava_dl.reading",
    "NirReading": "interchange.nir.reading",
    "UserError": "support.user_error",
    "compare": "api.compare",
    "compare_with_module": "interchange.from_torch",
    "compare_with_recording": "interchange.compare_with_recording",
    "doctor": "api.doctor",
    "energy": "api.energy",
    "energy_models": "api.energy_models",
    "exits": "api.exits",
    "export": "api.export",
    "fit": "api.fit",
    "fit_before_training": "api.fit_before_training",
    "forecast": "api.forecast",
    "from_torch": "interchange.from_torch",
    "fuzz": "api.fuzz",
    "init": "api.init",
    "latency": "api.energy",
    "neurobench": "api.neurobench",
    "place": "api.place",
    "plot": "api.plot",
    "profile": "api.profiles",
    "profiles": "api.profiles",
    "read_net": "interchange.read_net",
    "read_nir": "interchange.read_nir",
    "report": "api.report",
    "reset": "train.layers.lif_module",
    "run": "api.run",
    "search": "api.search",
    "stream": "api.stream",
    "train": "api.train",
    "verify": "api.verify",
    "write_nir": "interchange.write_nir",
    "write_nir_data": "interchange.write_nir_data",
}


class _Api(ModuleType):
    """The package. A room has the name of a function (train, export, report, search): the name stays the function's.

    Python binds a subpackage to its name in the package when it is first imported; importing from it needs no such
    name.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'snn_deploy' has no attribute {name!r}")
    found = getattr(import_module(f"snn_deploy.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])


sys.modules[__name__].__class__ = _Api

"""patch_lava: what Lava 0.10 and lava-dl 0.6, which will not change any more, need before they can be imported.

This is the one file that touches them, and only in the job's process:

- Python from 3.11 refuses two dataclass defaults in lava/magma/compiler/var_model.py, because their class
  ByteEncoder has no hash. It gets one. On 3.10 nothing is done.
- lava-dl's netx imports slayer (torch, torchvision, opencv) for one function of resonate-and-fire neurons,
  and torch for modules that are not used here. Stand-ins take their places.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any

_VAR_MODEL = "lava.magma.compiler.var_model"
_UNHASHABLE = "@dataclass\nclass ByteEncoder:"
_HASHABLE = "@dataclass(unsafe_hash=True)\nclass ByteEncoder:"
_SLAYER = ("lava.lib.dl.slayer", "lava.lib.dl.slayer.neuron", "lava.lib.dl.slayer.neuron.rf")


def patch_lava() -> None:
    """Make Lava importable on this Python; to be called before anything of Lava is imported."""
    if sys.version_info < (3, 11) or _VAR_MODEL in sys.modules:
        return
    spec = importlib.util.find_spec(_VAR_MODEL)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {_VAR_MODEL!r}", name=_VAR_MODEL)
    source = spec.loader.get_source(_VAR_MODEL)
    if _UNHASHABLE not in source:
        raise ImportError(f"{spec.origin}: not the Lava 0.10.0 that this patch is for. Install lava-nc==0.10.0.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_VAR_MODEL] = module
    exec(compile(source.replace(_UNHASHABLE, _HASHABLE), spec.origin, "exec"), module.__dict__)


def stand_in_for_slayer() -> None:
    """Make lava-dl's netx importable without slayer and torch; for the rest of this process.

    They must stay: Lava's search for process models executes the files of netx once more.
    """
    for name in _SLAYER:
        sys.modules[name] = ModuleType(name)

    # netx asks for it in files with resonate-and-fire neurons only, which the exporter never writes.
    def no_resonators(*arguments: Any, **named: Any) -> None:
        raise NotImplementedError("resonate-and-fire neurons need lava.lib.dl.slayer")

    sys.modules[_SLAYER[-1]].neuron_params = no_resonators  # type: ignore[attr-defined]
    netx = importlib.util.find_spec("lava.lib.dl.netx")
    if netx is None or netx.origin is None:
        raise ModuleNotFoundError("No module named 'lava.lib.dl.netx'", name="lava.lib.dl.netx")
    modules = ModuleType("lava.lib.dl.netx.sequential_modules")
    modules.__file__ = netx.origin  # the search asks every module of netx for its folder
    sys.modules[modules.__name__] = modules
    sys.modules["torch"] = None  # type: ignore[assignment]  # importing it fails, quickly

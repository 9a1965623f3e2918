"""doctor: versions, and which backends really work on this machine."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from snn_deploy.deploy.running.backend import backend_names, load_backend
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_THRESHOLD
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_PACKAGES = (
    "snn-deploy",
    "torch",
    "torchvision",
    "numpy",
    "numba",
    "h5py",
    "scikit-learn",
    "pydantic",
    "onnx",
    "onnxruntime",
    "lava-nc",
    "lava-dl",
)


@dataclass(frozen=True)
class BackendState:
    """Whether a backend works: "works", "missing" or "broken", and why."""

    state: str
    reason: str


@dataclass(frozen=True, repr=False)
class Diagnosis(Result):
    """Package -> its version, None where it is not installed; backend -> whether it works."""

    versions: Mapping[str, str | None]
    backends: Mapping[str, BackendState]

    @property
    def is_sound(self) -> bool:
        """Whether no backend that is installed fails or gives wrong spikes."""
        return all(backend.state != "broken" for backend in self.backends.values())

    def headline(self) -> str:
        """Return the backends that work."""
        return f"{', '.join(name for name, b in self.backends.items() if b.state == 'works')} work"

    def blocks(self) -> tuple[Block, ...]:
        """Return versions, and a line for each backend."""
        words = {"works": "works", "missing": "not available", "broken": "BROKEN"}
        return (
            Table(
                ("package", "version"), tuple((name, found or "not installed") for name, found in self.versions.items())
            ),
            *(
                f"{name:<10} {words[b.state]}" + (f": {b.reason}" if b.reason else "")
                for name, b in self.backends.items()
            ),
        )

    def to_dict(self) -> dict[str, object]:
        """Return interpreter, versions and backends."""
        return {
            "executable": sys.executable,
            "versions": dict(self.versions),
            "backends": {name: asdict(b) for name, b in self.backends.items()},
        }


def doctor(watch: Watch = SILENT) -> Diagnosis:
    """Return versions, and what every backend makes of a tiny network.

    Parameters
    ----------
    watch
        Hears of every backend that was tried.
    """
    versions = {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}
    names, found = backend_names(), {}
    with watch.progress(f"trying {', '.join(names)}", len(names)) as advance:
        for name in names:
            found[name] = _tried(name)
            advance(1)
    return Diagnosis(versions, found)


def _tried(name: str) -> BackendState:
    """Return whether the backend gives the two spikes that the tiny network must give."""
    try:
        backend = load_backend(name)
    except UserError as error:
        return BackendState("missing", str(error).partition("does not work here: ")[2] or str(error))
    try:
        simulation = backend.run(_tiny_network(), np.array([[10]], np.uint8), record=True)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the doctor goes on and says so
        return BackendState("broken", f"{type(error).__name__}: {error}")
    assert simulation.spikes is not None
    found = simulation.spikes["hidden"].ravel().tolist()
    # 10 is not above 10; 10 / 2 + 10 = 15 is; then the potential starts again from 0.
    if found != [0, 1, 0, 1]:
        return BackendState("broken", f"the test network fired {found}, not [0, 1, 0, 1]")
    return BackendState("works", "")


def _tiny_network() -> IntegerNetwork:
    one = np.ones(1, np.int64)
    hidden = IntegerPopulation("hidden", (1,), 10 * one, DECAY_UNITY // 2 * one, 0 * one, 0 * one)
    readout = IntegerPopulation(
        "output", (1,), LARGEST_THRESHOLD * one, DECAY_UNITY * one, 0 * one, 0 * one, fires=False
    )
    connections = (
        IntegerConnection("input-hidden", "input", "hidden", np.array([[1]])),
        IntegerConnection("hidden-output", "hidden", "output", np.array([[3]])),
    )
    return IntegerNetwork(IntegerInput("input", (1,)), (hidden, readout), connections, 4)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

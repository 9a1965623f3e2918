"""snn-deploy doctor: versions, and which backends really work here."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click
import numpy as np

from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.deploy.running.backend import backend_names, load_backend
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

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


@click.command("doctor")
@verb
def command(output: Output) -> int:
    """Print versions, and try every backend on a tiny network.

    Exit code 1 when a backend that is installed gives wrong spikes or fails.
    Example: snn-deploy doctor --json
    """
    versions = {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}
    output.table(["package", "version"], [(name, found or "not installed") for name, found in versions.items()])
    backends = {}
    for name in backend_names():
        backends[name] = _tried(name)
        state = {"works": "works", "missing": "not available", "broken": "BROKEN"}[backends[name]["state"]]
        output.say(f"{name:<10} {state}" + (f": {backends[name]['reason']}" if backends[name]["reason"] else ""))
    output.result({"executable": sys.executable, "versions": versions, "backends": backends})
    return FAILED_CHECK if any(b["state"] == "broken" for b in backends.values()) else 0


def _tried(name: str) -> dict[str, Any]:
    """Return whether the backend gives the two spikes that the tiny network must give."""
    try:
        backend = load_backend(name)
    except UserError as error:
        return {"state": "missing", "reason": str(error).partition("does not work here: ")[2] or str(error)}
    network = _tiny_network()
    try:
        simulation = backend.run(network, np.array([[10]], np.uint8), record=True)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the doctor goes on and says so
        return {"state": "broken", "reason": f"{type(error).__name__}: {error}"}
    assert simulation.spikes is not None
    found = simulation.spikes["hidden"].ravel().tolist()
    # 10 is not above 10; 10 / 2 + 10 = 15 is; then the potential starts again from 0.
    if found != [0, 1, 0, 1]:
        return {"state": "broken", "reason": f"the test network fired {found}, not [0, 1, 0, 1]"}
    return {"state": "works", "reason": ""}


def _tiny_network() -> IntegerNetwork:
    one = np.ones(1, np.int64)
    hidden = IntegerPopulation("hidden", (1,), 10 * one, 2048 * one, 0 * one, 0 * one)
    readout = IntegerPopulation("output", (1,), 131071 * one, 4096 * one, 0 * one, 0 * one, fires=False)
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

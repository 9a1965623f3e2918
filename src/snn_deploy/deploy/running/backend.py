"""backend: what a simulator or chip offers, and how one is loaded by name. The files are in deploy/backends/."""

from typing import Protocol, cast

import numpy as np

from snn_deploy.deploy.running.simulation import Progress, Simulation
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.counted import counted
from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_WORTH_SAYING = 20.0  # seconds


class Backend(Protocol):
    """A module in deploy/backends/."""

    def why_unavailable(self) -> str | None:
        """Return None where it works, else one sentence: what is missing and how to get it."""

    def run(
        self,
        network: IntegerNetwork,
        inputs: np.ndarray,
        *,
        record: bool = False,
        progress: Progress | None = None,
    ) -> Simulation:
        """Return what `network` does with `inputs` (see simulation.as_frames); with every spike if `record`."""


def backend_names() -> tuple[str, ...]:
    """Return the names of all backends, whether they work here or not."""
    return plugin_names("deploy.backends")


def expected_seconds(backend: Backend, network: IntegerNetwork, samples: int) -> float | None:
    """Return about how long the backend takes, or None where it does not say: those are quick."""
    estimate = getattr(backend, "expected_seconds", None)
    return None if estimate is None else float(estimate(network, samples))


def make_ready(backend: Backend, network: IntegerNetwork, watch: Watch = SILENT) -> None:
    """Let the backend compile what it needs for `network`, unless an earlier run did; most compile nothing."""
    prepare = getattr(backend, "make_ready", None)
    if prepare is not None:
        with watch.progress("compiling the simulator, once on this machine", 1) as advance:
            prepare(network)
            advance(1)


def automatic_backend() -> tuple[str, str]:
    """Return the name of the backend that `auto` stands for, lava or else cpu, and one line that says so."""
    reason = load_plugin("deploy.backends", "lava").why_unavailable()
    if reason is None:
        return "lava", "auto: Lava is installed, so it runs on lava."
    return "cpu", f"auto: it runs on cpu. {reason}"


def load_backend(name: str) -> Backend:
    """Return the backend `name`; one that does not exist or does not work here is a UserError.

    "cpu:wide" is the variant `wide` of cpu; the other backends have no variants.
    """
    plugin, _, variant = name.partition(":")
    module = load_plugin("deploy.backends", plugin)
    if variant and not hasattr(module, "variant"):
        raise UserError(f"backend {name!r}: {plugin} has no variants. Write {plugin}.")
    backend = cast(Backend, module.variant(variant) if variant else module)
    if problem := backend.why_unavailable():
        raise UserError(f"backend {name!r} does not work here: {problem}")
    return backend


def say_expected(watch: Watch, name: str, network: IntegerNetwork, samples: int) -> None:
    """Tell `watch` how long the backend `name` will take, where it knows and that is worth saying."""
    seconds = expected_seconds(load_backend(name), network, samples)
    if seconds is not None and seconds >= _WORTH_SAYING:
        about = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
        watch.say(f"{name}: {counted(samples, 'sample')} will take about {about}")

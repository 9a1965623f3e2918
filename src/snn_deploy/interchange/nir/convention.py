"""convention: what the exporter of a framework means by the files that it writes.

Each framework is one file in written_by/ with its CONVENTION. NIR has differential equations; a framework has steps.
Its exporter fills in r and w_in as it likes, and what it does not write, a reader cannot know.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snn_deploy.interchange.nir.reading import DEFAULT_TIME_STEP, Discretization, NirReading, NirReset
from snn_deploy.support.plugin import load_plugin, plugin_names

_PLUGINS = "interchange.nir.written_by"

Node = Mapping[str, Any]


@dataclass(frozen=True)
class StepTerms:
    """What one step does to the neurons of a node, each an array of their shape.

    keep: what a step leaves of the potential (1 of an integrator). current_keep: of the synaptic current (0 without
    one). r, w_in: the fields of the node, 1 where it has none.
    """

    time_step: float
    keep: np.ndarray
    current_keep: np.ndarray
    r: np.ndarray
    w_in: np.ndarray


Gain = Callable[[StepTerms], np.ndarray]


@dataclass(frozen=True)
class Convention:
    """How the files of a framework are read.

    framework: its name for people. time_step: as in NirReading, or a function of the nodes that finds it, None where
    they do not show it. gains: type of node -> how much what arrives adds in a step; others follow NIR's equation.
    is_recognised: whether the nodes bear its marks, and no other program's. unsaid: what its files leave out.
    """

    framework: str
    time_step: float | Callable[[Sequence[Node]], float | None] = DEFAULT_TIME_STEP
    discretization: Discretization = "euler"
    reset: NirReset = "value"
    fires_at_threshold: bool = False
    gains: Mapping[str, Gain] = field(default_factory=dict)
    is_recognised: Callable[[Sequence[Node]], bool] = lambda nodes: False
    unsaid: str = ""

    def time_step_of(self, nodes: Sequence[Node]) -> float:
        """Return the time step in the unit of the time constants of `nodes`."""
        found = self.time_step if isinstance(self.time_step, float) else self.time_step(nodes)
        return DEFAULT_TIME_STEP if found is None else found


BY_DEFINITION, OURS = Convention("NIR"), Convention("snn-deploy")


def convention_of(written_by: str | None, nodes: Sequence[Node]) -> tuple[Convention, bool]:
    """Return the convention that is named, or the only one whose marks `nodes` bear, and whether it was recognised."""
    if written_by is not None:
        return _load(written_by), False
    conventions = [_load(name) for name in plugin_names(_PLUGINS)]
    recognised = [c for c in conventions if c.is_recognised(nodes)]
    return (recognised[0], True) if len(recognised) == 1 else (BY_DEFINITION, False)


def described(reading: NirReading, convention: Convention, *, is_recognised: bool) -> str:
    """Return how a file is read, in one line."""
    assert reading.discretization and reading.reset  # completed
    if convention == BY_DEFINITION:
        who = "read by NIR's definitions"
    else:
        who = f"read as {convention.framework} writes it{' (recognised)' * is_recognised}"
    fires = {None: "fires as each layer says", True: "fires at the threshold", False: "fires above the threshold"}
    unsaid = f"; it does not say {convention.unsaid}" * bool(convention.unsaid)
    return (
        f"{who}: time step {reading.time_step:g}, {_DISCRETIZATIONS[reading.discretization]}, "
        f"{_RESETS[reading.reset]}, {fires[reading.fires_at_threshold]}{unsaid}"
    )


_DISCRETIZATIONS = {"euler": "forward Euler", "exact": "exact exponentials"}
_RESETS = {
    "value": "reset to v_reset",
    "subtract": "reset by subtraction",
    "subtract-later": "reset by subtraction in the next step",
}


def _load(name: str) -> Convention:
    convention: Convention = load_plugin(_PLUGINS, name).CONVENTION
    return convention


def values_of(nodes: Sequence[Node], kinds: tuple[str, ...], name: str) -> list[np.ndarray]:
    """Return the field `name` of each node whose type is one of `kinds`; one that holds no numbers is left out."""
    fields = [np.asarray(node[name]) for node in nodes if node["type"] in kinds and name in node]
    return [values for values in fields if values.dtype.kind in "iuf" and values.size]


def all_are(values: Sequence[np.ndarray], number: float) -> bool:
    """Whether every value of every array is `number`."""
    return all(bool((array == number).all()) for array in values)

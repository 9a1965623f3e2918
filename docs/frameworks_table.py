"""frameworks_table: which constructs of which framework from_torch takes, found by trying each: docs/frameworks.md.

    python docs/frameworks_table.py            writes the tables into the page between their marks
    python docs/frameworks_table.py --check    exit code 1 where the page shows something else

Every cell is a small module with random weights that is read and compared with its network, spike by spike. It needs
the dependency group `frameworks`.
"""

import importlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from page_tables import write_or_check
from torch import nn
from torch.nn import functional

import snn_deploy as sd
from snn_deploy.network.source_comparison import SourceComparison

PAGE = Path(__file__).with_name("frameworks.md")
STEPS, SHAPE = 6, (1, 8, 8)
_GAIN = 4.0  # of torch's first weights, with which the last layers would not fire


class Step:
    """What a construct is written with: layers by name, and neurons that go on in each step."""

    def __init__(self, module: "Built") -> None:
        self.module, self.states = module, {}

    def __getattr__(self, name: str) -> nn.Module:
        return self.module.layers[name]

    def spikes(self, name: str, current: torch.Tensor) -> torch.Tensor:
        """Return the spikes of the neurons `name`."""
        found = self.module.neurons[name](current, *self.states.get(name, ()))
        if self.module.passes_states:
            found, *self.states[name] = found
        return found


Body = Callable[[Step, torch.Tensor], torch.Tensor]


class Built(nn.Module):
    """A module that runs `body` in every step, written as the users of a framework write theirs."""

    def __init__(self, framework: "Framework", construct: "Construct") -> None:
        super().__init__()
        self.layers = nn.ModuleDict(construct.layers())
        with torch.no_grad():
            for layer in self.layers.values():
                if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
                    layer.weight.mul_(_GAIN)
        self.neurons = nn.ModuleDict({name: framework.neurons() for name in ("a", "b", "c")})
        self.body, self.is_flat, self.passes_states = construct.body, framework.is_flat, framework.passes_states

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the result of every step; steps are in a loop, or, where neurons take all of them, flat."""
        step = Step(self)
        if self.is_flat:
            return self.body(step, x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return torch.stack([self.body(step, frame) for frame in x])


@dataclass(frozen=True)
class Framework:
    """A framework. neurons: makes some; passes_states: whether they take and return their state."""

    name: str
    package: str
    neurons: Callable[[], nn.Module]
    passes_states: bool = False
    is_flat: bool = False


@dataclass(frozen=True)
class Construct:
    """Something between neurons. layers: makes them, random; body: what one step does."""

    name: str
    layers: Callable[[], dict[str, nn.Module]]
    body: Body


def _maps(**more: nn.Module) -> dict[str, nn.Module]:
    return {"first": nn.Conv2d(1, 4, 3, padding=1), "last": nn.Linear(64, 5), **more}


def _then_last(step: Step, spikes: torch.Tensor) -> torch.Tensor:
    return step.spikes("c", step.last(functional.avg_pool2d(spikes, 2).flatten(1)))


def _norm() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(4)
    norm.running_mean.uniform_(-0.2, 0.2)
    norm.running_var.uniform_(0.2, 0.5)
    with torch.no_grad():
        norm.bias.uniform_(-0.2, 0.2)
    return norm


def _residual(step: Step, x: torch.Tensor) -> torch.Tensor:
    a = step.spikes("a", step.first(x))
    return _then_last(step, step.spikes("b", step.more(a)) + a)


def _membrane_shortcut(step: Step, x: torch.Tensor) -> torch.Tensor:
    current = step.first(x)
    return _then_last(step, step.spikes("b", step.more(step.spikes("a", current)) + current))


def _joined(step: Step, x: torch.Tensor) -> torch.Tensor:
    a = step.spikes("a", step.first(x))
    joined = torch.cat([a, step.spikes("b", step.more(a))], dim=1)
    return step.spikes("c", step.wide(functional.avg_pool2d(joined, 2).flatten(1)))


def _product(step: Step, x: torch.Tensor) -> torch.Tensor:
    a = step.spikes("a", step.first(x))
    b = step.spikes("b", step.more(a))
    return _then_last(step, a * (1 - b))


def _shared(step: Step, x: torch.Tensor) -> torch.Tensor:
    return _then_last(step, step.spikes("b", step.more(step.spikes("a", step.more(step.first(x))))))


CONSTRUCTS = (
    Construct("`Linear`", lambda: {"first": nn.Linear(64, 20), "last": nn.Linear(20, 5)},
              lambda s, x: s.spikes("b", s.last(s.spikes("a", s.first(x.flatten(1)))))),
    Construct("`Conv2d`, `AvgPool2d`, `Flatten`", _maps, lambda s, x: _then_last(s, s.spikes("a", s.first(x)))),
    Construct("`Conv1d`", lambda: {"first": nn.Conv1d(8, 4, 3), "last": nn.Linear(24, 5)},
              lambda s, x: s.spikes("b", s.last(s.spikes("a", s.first(x.flatten(1, 2))).flatten(1)))),
    Construct("`BatchNorm2d`", lambda: _maps(norm=_norm()),
              lambda s, x: _then_last(s, s.spikes("a", s.norm(s.first(x))))),
    Construct("`AdaptiveAvgPool2d`", lambda: _maps(pool=nn.AdaptiveAvgPool2d(4)),
              lambda s, x: s.spikes("b", s.last(s.pool(s.spikes("a", s.first(x))).flatten(1)))),
    Construct("`Dropout`", lambda: _maps(drop=nn.Dropout(0.5)),
              lambda s, x: _then_last(s, s.drop(s.spikes("a", s.first(x))))),
    Construct("`MaxPool2d` of spikes", lambda: _maps(pool=nn.MaxPool2d(2)),
              lambda s, x: s.spikes("b", s.last(s.pool(s.spikes("a", s.first(x))).flatten(1)))),
    Construct("`MaxPool2d` of currents", lambda: _maps(pool=nn.MaxPool2d(2)),
              lambda s, x: s.spikes("b", s.last(s.spikes("a", s.pool(s.first(x))).flatten(1)))),
    Construct("a layer that is used twice", lambda: _maps(first=nn.Identity(), more=nn.Conv2d(1, 1, 3, padding=1),
              last=nn.Linear(16, 5)), _shared),
    Construct("sums of spikes (SEW)", lambda: _maps(more=nn.Conv2d(4, 4, 3, padding=1)), _residual),
    Construct("sums of currents (MS)", lambda: _maps(more=nn.Conv2d(4, 4, 3, padding=1)), _membrane_shortcut),
    Construct("`cat` of channels", lambda: _maps(more=nn.Conv2d(4, 4, 3, padding=1), wide=nn.Linear(128, 5)), _joined),
    Construct("products of spikes (IAND)", lambda: _maps(more=nn.Conv2d(4, 4, 3, padding=1)), _product),
    Construct("a result that is no spikes", _maps,
              lambda s, x: s.last(functional.avg_pool2d(s.spikes("a", s.first(x)), 2).flatten(1))),
    Construct("`ReLU` between neurons", _maps,
              lambda s, x: _then_last(s, functional.relu(s.spikes("a", s.first(x)) - 0.5))),
)  # fmt: skip


def _framework(package: str) -> Any:
    return importlib.import_module(package)


FRAMEWORKS = (
    Framework("this package", "snn_deploy", lambda: sd.LIF(0.5, 0.3)),
    Framework("snnTorch", "snntorch", lambda: _framework("snntorch").Leaky(0.5, threshold=0.3), passes_states=True),
    Framework("SpikingJelly", "spikingjelly",
              lambda: _framework("spikingjelly.activation_based.neuron").LIFNode(2.0, v_threshold=0.2)),
    Framework("Norse", "norse", lambda: _norse("LIFBoxCell", "LIFBoxParameters"), passes_states=True),
    Framework("sinabs", "sinabs", lambda: _sinabs("LIFSqueeze", tau_mem=2.0, num_timesteps=STEPS), is_flat=True),
)  # fmt: skip


def _norse(kind: str, parameters: str, **more: Any) -> nn.Module:
    norse = _framework("norse.torch")
    return getattr(norse, kind)(getattr(norse, parameters)(v_th=torch.as_tensor(0.05), **more))


def _sinabs(kind: str, **options: Any) -> nn.Module:
    single = _framework("sinabs.activation").SingleSpike
    return getattr(_framework("sinabs.layers"), kind)(spike_fn=single, spike_threshold=torch.tensor(0.2), **options)


def _hidden(kind: str, *values: Any, **options: Any) -> Callable[[], nn.Module]:
    """Return what makes a chain with neurons of snnTorch that keep their state."""
    return lambda: nn.Sequential(
        nn.Flatten(),
        _wide(),
        getattr(_framework("snntorch"), kind)(*values, init_hidden=True, **options),
        nn.Linear(20, 5),
    )


def _jelly(kind: str, **options: Any) -> Callable[[], nn.Module]:
    neuron = "spikingjelly.activation_based.neuron"
    return lambda: nn.Sequential(
        nn.Flatten(), _wide(), getattr(_framework(neuron), kind)(v_threshold=0.5, **options), nn.Linear(20, 5)
    )


def _cells(kind: str, *sizes: int, **options: Any) -> Callable[[], nn.Module]:
    """Return what makes a chain of Norse's, whose container passes the states; those with steps get them first."""

    def make() -> nn.Module:
        norse = _framework("norse.torch")
        neurons = getattr(norse, kind)(*sizes, **options)
        is_last = kind in ("LICell", "LI")  # their potentials are no spikes
        if kind.endswith("Cell"):
            return norse.SequentialState(nn.Flatten(), _wide(), neurons, *[] if is_last else [nn.Linear(20, 5)])
        last = [] if is_last else [norse.Lift(nn.Linear(20, 5))]
        return norse.SequentialState(nn.Flatten(2), norse.Lift(_wide()), neurons, *last)

    return make


def _squeezed(kind: str, spikes: str = "SingleSpike", **options: Any) -> Callable[[], nn.Module]:
    function = {} if kind.startswith("Exp") else {"spike_fn": lambda: getattr(_framework("sinabs.activation"), spikes)}
    return lambda: nn.Sequential(
        nn.Flatten(), _wide(),
        getattr(_framework("sinabs.layers"), kind)(
            num_timesteps=STEPS, **{n: f() for n, f in function.items()}, **options
        ),
        *([] if kind.startswith("Exp") else [nn.Linear(20, 5)]),
    )  # fmt: skip


def _wide() -> nn.Linear:
    layer = nn.Linear(64, 20)
    with torch.no_grad():
        layer.weight.mul_(_GAIN)
    return layer


NEURONS: tuple[tuple[str, str, Callable[[], nn.Module]], ...] = (
    *(("snnTorch", f"`Leaky`, reset `{r}`, {d}", _hidden("Leaky", 0.9, reset_mechanism=r, reset_delay=d == "delayed"))
      for r in ("subtract", "zero", "none") for d in ("delayed", "at once")),
    ("snnTorch", "`Leaky`, beta and threshold of each neuron",
     _hidden("Leaky", torch.linspace(0.5, 0.9, 20), threshold=torch.linspace(0.5, 1.5, 20), learn_beta=True)),
    ("snnTorch", "`Synaptic`", _hidden("Synaptic", 0.8, 0.9)),
    ("snnTorch", "`Synaptic`, reset `zero`, delayed", _hidden("Synaptic", 0.8, 0.9, reset_mechanism="zero")),
    ("snnTorch", "`RLeaky`, all to all", _hidden("RLeaky", 0.9, linear_features=20)),
    ("snnTorch", "`RLeaky`, one to one", _hidden("RLeaky", 0.9, all_to_all=False, V=0.5)),
    ("snnTorch", "`RSynaptic`", _hidden("RSynaptic", 0.8, 0.9, linear_features=20)),
    ("snnTorch", "`Lapicque`", _hidden("Lapicque", 0.9, time_step=1.0, R=2.0)),
    ("snnTorch", "`Alpha`", _hidden("Alpha", 0.9, 0.8)),
    *(("SpikingJelly", f"`{k}`, {'soft' if r is None else 'hard'} reset", _jelly(k, v_reset=r, **o))
      for k, o in (("IFNode", {}), ("LIFNode", {"tau": 3.0}), ("ParametricLIFNode", {"init_tau": 3.0}))
      for r in (0.0, None)),
    ("SpikingJelly", "`EIFNode`", _jelly("EIFNode")),
    ("SpikingJelly", "`QIFNode`", _jelly("QIFNode")),
    *(("Norse", f"`{k}`", _cells(k)) for k in ("LIFCell", "LIF", "LIFBoxCell", "IAFCell", "LICell", "LI")),
    ("Norse", "`LIFRecurrentCell`", _cells("LIFRecurrentCell", 20, 20)),
    ("Norse", "`LIFRefracCell`", _cells("LIFRefracCell")),
    ("Norse", "`LSNNCell`", _cells("LSNNCell")),
    ("sinabs", "`LIFSqueeze`", _squeezed("LIFSqueeze", tau_mem=5.0)),
    ("sinabs", "`LIFSqueeze` with `tau_syn`", _squeezed("LIFSqueeze", tau_mem=5.0, tau_syn=3.0)),
    ("sinabs", "`IAFSqueeze`", _squeezed("IAFSqueeze")),
    ("sinabs", "`IAFSqueeze`, `MultiSpike`", _squeezed("IAFSqueeze", "MultiSpike")),
    ("sinabs", "`IAFSqueeze`, `min_v_mem`", _squeezed("IAFSqueeze", min_v_mem=-1.0)),
    ("sinabs", "`ExpLeakSqueeze`", _squeezed("ExpLeakSqueeze", tau_mem=5.0)),
)  # fmt: skip


def tried(make: Callable[[], nn.Module]) -> str:
    """Return the cell: how many values were compared and how many of them were spikes, or why it was refused."""
    torch.manual_seed(0)
    module = make()
    try:
        network = sd.from_torch(module, SHAPE, STEPS)
    except sd.UserError as error:
        reason = str(error).split("cannot be taken: ")[-1]
        reason = re.sub(r"^[^:]*\): ", "", reason).split(";")[0].split(". ")[0].rstrip(".")
        return f"refused: {reason}"
    found = SourceComparison.from_dict(network.provenance["compared"])
    silent = f", silent: {', '.join(found.silent)}" if found.silent else ""
    return f"{found.compared:,} values, {found.spikes:,} spikes{silent}"


def tables() -> str:
    """Return the tables, found now."""
    between = [[c.name, *(tried(lambda f=f, c=c: Built(f, c)) for f in FRAMEWORKS)] for c in CONSTRUCTS]  # type: ignore[misc]
    neurons = [[framework, name, tried(make)] for framework, name, make in NEURONS]
    return _table(["construct", *(f.name for f in FRAMEWORKS)], between) + _table(
        ["framework", "neurons", "outcome"], neurons
    )


def _table(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


def main() -> None:
    """Write the page's tables, or check them."""
    warnings.simplefilter("ignore")
    write_or_check(PAGE, "docs/frameworks_table.py", tables())


if __name__ == "__main__":
    main()

"""fit_before_training: what a config's network will take of a chip, from the config alone, and what makes it fit."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from snn_deploy.deploy.mapping.checking.layer_uses import LayerUse, layer_uses
from snn_deploy.deploy.mapping.checking.lower_bound import lower_bound
from snn_deploy.deploy.mapping.cores.placement import Storage
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.placing.place_on_mesh import chips_needed
from snn_deploy.export.chip.input_beyond import input_beyond
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.fitting.accounting import Accounting, Measures, Targets
from snn_deploy.fitting.chain import layers_of
from snn_deploy.fitting.least_change import Change, least_changes
from snn_deploy.fitting.planned_network import planned_network
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.integer_network import IntegerInput
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.network_config import NetworkConfig, network_config
from snn_deploy.train.config.read_config import read_table
from snn_deploy.train.data.input_coding import coded
from snn_deploy.train.networks.network_plan import NetworkPlan

DEFAULT_CHIP = "loihi2"
_BITS, _IMAGE = 8, 255  # the most that training rounds to, and does where nothing is said; the largest of a pixel


@dataclass(frozen=True, repr=False)
class PlannedFit(Result):
    """What a network will take, before it is trained.

    refused: what the chip cannot do at all, one sentence each. measures: cores and chips, or what does not fit. layers:
    what each takes, none where it does not fit. targets: what was asked for; changes: what would reach it, the one that
    keeps most weights first. words: change -> the network with it, as an assignment to the config. assumed: in a line.
    """

    chip: HardwareProfile
    refused: tuple[str, ...]
    measures: Measures
    layers: tuple[LayerUse, ...]
    targets: Targets
    changes: tuple[Change, ...]
    words: Mapping[str, str]
    assumed: str

    @property
    def fits(self) -> bool:
        """Whether it fits, within what was asked for."""
        return not self.refused and self.measures.excess(self.targets) == 0

    def headline(self) -> str:
        """Return cores and chips, or that it does not fit."""
        if self.refused:
            return f"{self.chip.name} cannot run it: {self.refused[0]}"
        above = "" if self.fits or self.measures.violations else f"; asked for: {self.targets}"
        return f"{self.measures} of {self.chip.title}{above}"

    def blocks(self) -> tuple[Block, ...]:
        """Return each layer's tightest limit, the cores, and the changes that would make it fit."""
        titles = ("population", "neurons", "parts", "at least", "limited by", "its cores are full of")
        rows = tuple((u.population, u.neurons, u.blocks, u.at_least, u.binds_at_least, u.fullest) for u in self.layers)
        return (
            *((Table(titles, rows),) if rows else ()),
            self.headline(),
            f"  {error_line(self.chip, 'cores')}",
            f"  {self.assumed}",
            *self._changes(),
        )

    def _changes(self) -> tuple[Block, ...]:
        if self.fits or self.refused:
            return ()
        if not self.changes:
            return ("  no smaller number of channels of one layer, or of all alike, that was tried fits",)
        titles = ("fewer channels of", "cores", "chips", "weights left", "the network")
        rows = tuple(
            (
                change.what,
                change.measures.cores,
                change.measures.chips,
                f"{100 * change.kept:.1f} %",
                self.words[change.what],
            )
            for change in self.changes
        )
        return ("what would make it fit, the smallest change first:", Table(titles, rows))

    def to_dict(self) -> dict[str, object]:
        """Return cores, chips, what binds each layer, and the changes."""
        return {
            "fits": self.fits,
            "refused": list(self.refused),
            "cores": self.measures.cores,
            "chips": self.measures.chips,
            "violations": [asdict(v) for v in self.measures.violations],
            "model_error": error_line(self.chip, "cores"),
            "populations": [asdict(u) for u in self.layers],
            "asked": asdict(self.targets),
            "assumed": self.assumed,
            "changes": [
                {
                    "what": change.what,
                    "channels": dict(change.channels),
                    "weights_left": change.kept,
                    "cores": change.measures.cores,
                    "chips": change.measures.chips,
                    "network": self.words[change.what],
                }
                for change in self.changes
            ],
        }


def fit_before_training(
    config: str | Path,
    *,
    chip: str = DEFAULT_CHIP,
    cores: int | None = None,
    chips: int | None = None,
    changes: Sequence[str] = (),
    weight_bits: int | None = None,
    density: float = 1.0,
    input_shape: Sequence[int] | None = None,
    classes: int | None = None,
    storage: Storage = "nengo-loihi",
) -> PlannedFit:
    """Return what the network of `config` will take of `chip` once it is trained, and the smallest change that fits.

    It is what `place` says of the trained network where as large a share of its weights is not 0.

    Parameters
    ----------
    config
        The path of a TOML file; only its data, model, steps and bits are looked at, and torch is not loaded.
    chip
        A hardware profile: a name, or a TOML file.
    cores, chips
        The most that there are; None is any number.
    changes
        Assignments such as "model.layers=8C3-P2-10", made after reading the config.
    weight_bits
        Of a signed weight; None is as it will be trained, else 8.
    density
        The share of the weights that is not 0; it matters where the chip can leave zeros out.
    input_shape, classes
        What the data would give, such as (3, 32, 32) and 10, where it is not on this machine; images are assumed.
    storage
        How kernels are stored in synapse memory (see `place`).

    Raises
    ------
    UserError
        For a config that makes no sense, data that is not there, a profile without cores.
    """
    profile, targets = load_profile(chip), Targets(cores, chips)
    wanted = network_config(read_table(Path(config), changes), str(config))
    plan, largest_value = _plan(wanted, input_shape, classes)
    trained = wanted.quantization.weight_bits if wanted.quantization.epochs else _BITS
    bits = trained if weight_bits is None else weight_bits
    limits_of(profile, bits)  # a UserError for what is no chip, or does not store so many bits
    if bits > _BITS:
        raise UserError(f"--weight-bits {bits}; allowed are 2 to {_BITS}.")
    steps = wanted.numbers.steps
    network = planned_network(plan, steps, largest_value=largest_value, weight_bits=bits, density=density)
    assumed = f"assumed: weights of {bits} bits, {100 * density:g} % of them not 0, one constant threshold a layer"
    if refused := tuple(input_beyond(IntegerInput(plan.input.name, plan.input.shape, largest_value), profile)):
        return PlannedFit(profile, refused, Measures(0, 0), (), targets, (), {}, assumed)
    found = partition(network, profile, storage)
    measures = Measures(len(found.cores), chips_needed(found, profile), None, found.violations)
    bound = lower_bound(network, profile)
    layers = () if found.violations else layer_uses(network, found, bound, profile)
    is_within = measures.excess(targets) == 0
    smaller = () if is_within else least_changes(Accounting(network, profile, storage), targets)
    words = {change.what: _as_assignments(wanted, plan, change) for change in smaller}
    return PlannedFit(profile, (), measures, layers, targets, smaller, words, assumed)


def _plan(config: NetworkConfig, input_shape: Sequence[int] | None, classes: int | None) -> tuple[NetworkPlan, int]:
    """Return the plan of `config`, and the largest value of an input."""
    if (input_shape is None) != (classes is None):
        raise UserError("--input-shape and --classes belong together: give both, or neither.")
    is_coded = config.numbers.coding != "direct"  # into spikes
    if input_shape is not None and classes is not None:
        if not input_shape or min(input_shape) < 1 or classes < 1:
            raise UserError(f"--input-shape {','.join(map(str, input_shape))}; allowed is such as 3,32,32, from 1 on.")
        return config.model.options.plan(tuple(input_shape), classes), 1 if is_coded else _IMAGE
    numbers, encoder = config.numbers, None if config.encoder is None else config.encoder.options
    samples = coded(config.data.options.load("test").first(1), numbers.coding, numbers.steps, encoder)
    return config.model.options.plan(samples.shape, samples.classes), samples.largest_value


def _as_assignments(config: NetworkConfig, plan: NetworkPlan, change: Change) -> str:
    """Return the network with fewer channels as assignments to the config, or in words where it is no chain."""
    try:
        layers = f"model.layers={layers_of(plan, change.channels)}"
    except UserError:
        return ", ".join(f"{name}: {left}" for name, left in change.channels.items())
    return layers if config.model.name == "layer_string" else f"model.name=layer_string {layers}"

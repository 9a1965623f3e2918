"""gather: everything that a report says of a deployment, measured on samples."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from snn_deploy.deploy.backends import cpu, lava, onnx
from snn_deploy.deploy.energy.arithmetic_estimates import arithmetic_estimates
from snn_deploy.deploy.energy.exit_costs import ExitCosts, arithmetic_exit_costs
from snn_deploy.deploy.energy.paper_estimate import EnergyEstimate
from snn_deploy.deploy.exits.exit_measures import exit_measures
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.outputs_by_step import outputs_by_step
from snn_deploy.deploy.exits.run_with_exits import run_with_exits
from snn_deploy.deploy.running.backend import load_backend, say_expected
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.deploy.verification.verify_exits import verify_exits
from snn_deploy.hardware_profiles.profile import HardwareProfile, load_profile
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values
from snn_deploy.report import charts, trials
from snn_deploy.report.chip_facts import chip_facts
from snn_deploy.report.findings import Beside, Compared, Continuation, Findings, Measured, Rung
from snn_deploy.report.ladder import ladder
from snn_deploy.report.layer_facts import layer_facts
from snn_deploy.report.run_facts import exported_otherwise, fit_of, floats_of, floats_right, training_of
from snn_deploy.report.sample_chart import sample_chart
from snn_deploy.report.value_facts import value_facts
from snn_deploy.support.watch import Watch

_COSTS = "cmos45"


@dataclass(frozen=True)
class Subject:
    """What a report is about: a network, the name of the page, and the run that it came from, or None."""

    network: IntegerNetwork
    title: str
    run: Path | None


@dataclass(frozen=True)
class Shown:
    """What it is measured on. inputs: as simulation.as_frames takes them; labels: (samples,), or values of each step.

    is_test_split: whether they are from the test split of the network's own data.
    """

    inputs: np.ndarray
    labels: np.ndarray
    is_sequence: bool
    is_test_split: bool

    def first(self, count: int) -> np.ndarray:
        """Return the inputs of the first `count` samples."""
        return self.inputs[:, :count] if self.is_sequence else self.inputs[:count]


def gather(
    subject: Subject,
    shown: Shown,
    chips: Sequence[HardwareProfile],
    *,
    backends: Sequence[str] | None,
    compared: int,
    beside: Subject | None,
    policy: ExitPolicy | None,
    commands: tuple[str, ...],
    continued: Continuation | None = None,
    watch: Watch,
) -> Findings:
    """Return everything that is known about `subject`.

    backends: compared on the first `compared` samples; None is reference, cpu, and onnx and lava where they are
    installed. beside: another network, of which the same is measured. policy: when samples stop early, or None; all but
    `exits` is of all steps. commands: that make the report again, for the reader. continued: the series that a network
    continues which predicts one, or None.
    """
    network, count = subject.network, len(shown.labels)
    here, exits, simulation = _measured(subject, shown, chips, backends, compared, policy, watch)
    other = None
    if beside is not None:
        there, _, _ = _measured(beside, shown, chips, backends, compared, None, watch)
        other = Beside(here, there)
    floats = floats_of(subject.run)
    is_of_values = gives_values(network)
    tried = () if is_of_values else _tried(network, here, floats, shown, watch)
    others = None if other is None else (other.there.title, other.there.layers)
    pictures = (
        charts.operations_chart(here.layers),
        charts.potentials_chart(here.layers, others),
        charts.weights_chart(here.layers),
        sample_chart(network, shown.inputs, None if is_of_values else int(shown.labels[0])),
    )
    training, config = training_of(subject.run)
    values = None
    rungs: tuple[Rung, ...] = ()
    is_whole_test = shown.is_test_split and count == network.provenance.get("test_samples")
    if is_of_values:
        values = value_facts(network, floats, shown.inputs, shown.labels, simulation, continued, watch)
    else:
        floats_are_right = floats_right(network, floats, shown.inputs, shown.labels, watch)
        rungs = ladder(network, np.array(here.is_right), floats_are_right, is_whole_test=is_whole_test)
    return Findings(
        title=subject.title,
        steps=network.steps,
        input_shape=network.input.shape,
        input_values=network.input.largest_value,
        output=network.output.name,
        ladder=rungs,
        compared=here.compared,
        layers=here.layers,
        charts=tuple(c for c in pictures if c),
        fits=here.fits,
        energies=here.energies,
        trials=tried,
        training=training,
        samples=count,
        provenance=_provenance(network),
        config=config,
        commands=commands,
        exits=exits,
        fitted=fit_of(None if subject.run is None else subject.run.resolve()),
        beside=other,
        values=values,
    )


def _tried(
    network: IntegerNetwork, here: Measured, floats: FloatNetwork | None, shown: Shown, watch: Watch
) -> tuple[trials.Trial, ...]:
    """Return what each change that might improve `network` does to accuracy and energy."""
    changed = trials.without_dead_channels(network, here.layers)
    changed |= {} if shown.is_sequence else trials.fewer_steps(network)
    changed |= exported_otherwise(network, floats)
    with watch.progress("trials", len(shown.labels) * (1 + len(changed))) as advance:
        return trials.tried(network, changed, shown.inputs, shown.labels, load_profile(_COSTS), advance)


def _measured(
    subject: Subject,
    shown: Shown,
    chips: Sequence[HardwareProfile],
    backends: Sequence[str] | None,
    compared: int,
    policy: ExitPolicy | None,
    watch: Watch,
) -> tuple[Measured, ExitCosts | None, Simulation]:
    """Return what was measured of a network in all its steps, with `policy` what stopping early does, and the run."""
    network, count, costs = subject.network, len(shown.labels), load_profile(_COSTS)
    found = _compared(network, shown.first(compared), backends, policy, watch)
    with watch.progress("layers", count) as advance:
        layers = layer_facts(network, shown.inputs, advance)
    with watch.progress("integers", count) as advance:
        simulation = load_backend("cpu").run(network, shown.inputs, progress=advance)
    with watch.progress("events", count) as advance:
        spikes = mean_spikes(network, shown.inputs, advance)
    energies = arithmetic_estimates(network, simulation, costs)
    exits = None if policy is None else _exits(network, shown, policy, energies, costs, watch)
    measures = None if exits is None else exits.measures
    measured = Measured(
        title=subject.title,
        digest=network.digest,
        steps=network.steps,
        is_right=() if gives_values(network) else tuple((simulation.classes == shown.labels).tolist()),
        compared=found,
        layers=layers,
        energies=energies,
        fits=tuple(chip_facts(network, chip, spikes, shown.inputs, measures) for chip in chips),
    )
    return measured, exits, simulation


def installed_backends() -> tuple[str, ...]:
    """Return what is compared where the user names nothing."""
    found = [name for name, backend in (("onnx", onnx), ("lava", lava)) if backend.why_unavailable() is None]
    return ("reference", "cpu", *found)


def _exits(
    network: IntegerNetwork,
    shown: Shown,
    policy: ExitPolicy,
    whole: Sequence[EnergyEstimate],
    costs: HardwareProfile,
    watch: Watch,
) -> ExitCosts:
    """Return what samples that stop early do, and cost in arithmetic. whole: what they cost in all their steps."""
    with watch.progress("exits", 2 * len(shown.labels)) as advance:
        outputs = outputs_by_step(network, cpu.prepared(network), shown.inputs, advance)
        early = run_with_exits(network, shown.inputs, policy, load_backend("cpu"), advance)
    stopped = arithmetic_estimates(network, early.simulation, costs, early.steps)
    return arithmetic_exit_costs(network, early.steps, whole, stopped, exit_measures(policy, outputs, shown.labels))


def _compared(
    network: IntegerNetwork,
    inputs: np.ndarray,
    backends: Sequence[str] | None,
    policy: ExitPolicy | None,
    watch: Watch,
) -> Compared:
    """Return what the backends do with `inputs`, every spike of it, with `policy` also up to the exits."""
    names = tuple(backends or installed_backends())
    samples = inputs.shape[0 if inputs.shape[1:] == network.input.shape else 1]
    for name in names:
        say_expected(watch, name, network, samples)
    with watch.progress(f"verify {', '.join(names)}", samples * len(names)) as advance:
        found = verify(network, inputs, names, progress=advance)
    differences = tuple(f"{d.backend}: {d}" for d in found.differences)
    if policy is not None:
        with watch.progress(f"exits, {', '.join(names)}", samples * (1 + len(names))) as advance:
            up_to_exits = verify_exits(network, inputs, policy, names, advance)
        differences += tuple(f"{d.backend}, with exits: {d}" for d in up_to_exits.differences)
    return Compared(names, "test data", found.samples, found.spikes, differences, found.silent)


def _provenance(network: IntegerNetwork) -> tuple[tuple[str, str], ...]:
    origin = network.provenance
    rows = [
        ("network, SHA-256", network.digest),
        ("exported by", origin.get("export", {}).get("tool", "not known")),
        ("weight bits", origin.get("export", {}).get("weight_bits", "not known")),
        ("seed", origin.get("config", {}).get("seed", "not known")),
        ("data", origin.get("config", {}).get("data", {}).get("name", "not known")),
        *_after_training(network),
        ("Python", ".".join(map(str, sys.version_info[:3]))),
        *((package, version(package)) for package in ("snn-deploy", "torch", "numpy", "onnx", "matplotlib")),
    ]
    return tuple((name, str(value)) for name, value in rows)


def _after_training(network: IntegerNetwork) -> list[tuple[str, str]]:
    """Return the scores that the training measured, with the number of test samples."""
    origin = network.provenance
    of = f" of {origin['test_samples']:,} test samples" if "test_samples" in origin else ""
    names = (("floats, after training", "float_accuracy"), ("quantization-aware, after training", "quantized_accuracy"))
    shares = [(name, f"{100 * origin[key]:.2f} %{of}") for name, key in names if origin.get(key) is not None]
    names = (("floats, after training", "float_smape"), ("quantization-aware, after training", "quantized_smape"))
    return shares + [(name, f"sMAPE {origin[key]:.2f}{of}") for name, key in names if origin.get(key) is not None]

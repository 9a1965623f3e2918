"""neurobench: a network's metrics as NeuroBench defines them, and the file that its harness would write."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from snn_deploy.api.sources import Chosen, Data, choose, fitting, integer_network, require_data, samples_of
from snn_deploy.deploy.energy.neurobench_counts import NeurobenchCounts, Operations, neurobench_counts
from snn_deploy.deploy.energy.neurobench_footprint import Footprint, footprint
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch
from snn_deploy.train.data.samples import Samples

VERSION = "2.3.0"  # of NeuroBench, whose rules these are


@dataclass(frozen=True, repr=False)
class Neurobench(Result):
    """Metrics of NeuroBench: bytes and parameters of a network, and what it does with a sample, means over samples.

    accuracy: None where no labels are known. steps: of a sample. is_float: whether the network is in floats of 32 bits.
    """

    footprint: Footprint
    counts: NeurobenchCounts
    accuracy: float | None
    steps: int
    is_float: bool
    file: Path | None = None

    @property
    def synaptic_operations(self) -> Operations:
        """Of a sample, in all layers, pooling a layer of its own."""
        return _total(self.counts.layers)

    @property
    def deployed_operations(self) -> Operations:
        """Of a sample, in all connections, where each spike is added by itself, as on a chip."""
        return _total(self.counts.deployed)

    @property
    def membrane_updates(self) -> float:
        """Of a sample, in all populations."""
        return sum(self.counts.membrane_updates.values())

    @property
    def is_pooled(self) -> bool:
        """Whether some layer sees pooled spikes, so that the operations of layers and of a chip differ."""
        return self.counts.layers != self.counts.deployed

    def headline(self) -> str:
        """Return footprint, operations and sparsity."""
        found, size = self.synaptic_operations, self.footprint.total
        silent = f"{100 * self.counts.activation_sparsity:.2f} % silent"
        return f"{size:,} bytes; {found.macs:,.0f} MACs, {found.acs:,.0f} ACs of {found.dense:,.0f} a sample; {silent}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the metrics, then those of each layer, then what two ways to count differ in."""
        bytes_ = self.footprint
        kind = "float32" if self.is_float else "integers"
        layers = tuple(
            (
                o.connection,
                f"{bytes_.sparsity_of[o.connection]:.4f}",
                f"{o.macs:,.1f}",
                f"{o.acs:,.1f}",
                f"{o.dense:,.0f}",
                *deployed,
            )
            for o, deployed in zip(self.counts.layers, self._deployed_columns(), strict=True)
        )
        found, on_chip = self.synaptic_operations, self.deployed_operations
        return (
            f"NeuroBench: {self.headline()}",
            f"  by the rules of NeuroBench {VERSION}; "
            f"mean of {counted(self.counts.samples, 'sample')}, {counted(self.steps, 'step')} each",
            Table(
                ("metric", "value", "of it"),
                (
                    ("footprint", f"{bytes_.total:,} bytes", f"{kind}: {_parts(bytes_)}"),
                    ("parameters", f"{bytes_.parameters:,}", "weights and biases"),
                    ("connection sparsity", f"{bytes_.connection_sparsity:.4f}", "weights that are 0"),
                    ("activation sparsity", f"{self.counts.activation_sparsity:.4f}", "no spike, of neurons and steps"),
                    ("membrane updates", f"{self.membrane_updates:,.1f}", "a sample"),
                    ("effective MACs", f"{found.macs:,.1f}", "a sample"),
                    ("effective ACs", f"{found.acs:,.1f}", "a sample"),
                    ("dense operations", f"{found.dense:,.0f}", "a sample"),
                    *((("accuracy", f"{100 * self.accuracy:.2f} %", ""),) if self.accuracy is not None else ()),
                ),
            ),
            Table(("layer", "weights of 0", "MACs", "ACs", "dense", *self._deployed_titles()), layers),
            Table(
                ("population", "activation sparsity", "membrane updates"),
                tuple(
                    (name, f"{self.counts.sparsity[name]:.4f}" if name in self.counts.sparsity else "-", f"{n:,.1f}")
                    for name, n in self.counts.membrane_updates.items()
                ),
            ),
            *(
                (
                    f"on a chip: {on_chip.macs:,.0f} MACs and {on_chip.acs:,.0f} ACs a sample",
                    "  layers of torch see pooled spikes, which are no 0 or 1; a chip adds each spike",
                )
                if self.is_pooled
                else ()
            ),
            f"neuron states, not in the footprint: {bytes_.states:,} bytes while a sample runs",
            *(() if self.file is None else (f"wrote {self.file}",)),
        )

    def _deployed_titles(self) -> tuple[str, ...]:
        return ("MACs, on chip", "ACs, on chip") if self.is_pooled else ()

    def _deployed_columns(self) -> list[tuple[str, ...]]:
        if not self.is_pooled:
            return [()] * len(self.counts.layers)
        return [(f"{o.macs:,.1f}", f"{o.acs:,.1f}") for o in self.counts.deployed]

    def to_dict(self) -> dict[str, object]:
        """Return the metrics under the names of NeuroBench's harness, and what it does not have under "snn_deploy"."""
        counts = self.counts
        right = {} if self.accuracy is None else {"ClassificationAccuracy": self.accuracy}
        return {
            "Footprint": self.footprint.total,
            "ParameterCount": self.footprint.parameters,
            "ConnectionSparsity": round(self.footprint.connection_sparsity, 4),
            **right,
            "ActivationSparsity": counts.activation_sparsity,
            "ActivationSparsityByLayer": dict(counts.sparsity),
            "MembraneUpdates": self.membrane_updates,
            "SynapticOperations": _as_dict(self.synaptic_operations),
            "snn_deploy": {
                "neurobench": VERSION,
                "samples": counts.samples,
                "steps": self.steps,
                "numbers": "float32" if self.is_float else "integers",
                "FootprintParts": {
                    "weights": self.footprint.weights,
                    "biases": self.footprint.biases,
                    "constants": self.footprint.constants,
                },
                "States": self.footprint.states,
                "ConnectionSparsityByLayer": dict(self.footprint.sparsity_of),
                "MembraneUpdatesByLayer": dict(counts.membrane_updates),
                "SynapticOperationsByLayer": {o.connection: _as_dict(o) for o in counts.layers},
                "SynapticOperationsOnChip": _as_dict(self.deployed_operations),
                "SynapticOperationsOnChipByLayer": {o.connection: _as_dict(o) for o in counts.deployed},
            },
        }

    def save(self, path: str | Path) -> "Neurobench":
        """Return the result with its `file`, after writing the metrics to `path`, a .json file."""
        place = Path(path)
        if place.suffix != ".json":
            raise UserError(f"--neurobench {place}: writes JSON; give a name that ends in .json.")
        write_bytes(place, (json.dumps(self.to_dict(), indent=4) + "\n").encode())
        return replace(self, file=place)


def neurobench(
    network: FloatNetwork | IntegerNetwork | str | Path,
    inputs: Data = None,
    *,
    labels: np.ndarray | None = None,
    samples: int = 0,
    watch: Watch = SILENT,
) -> Neurobench:
    """Return the metrics of `network` by the rules of NeuroBench.

    Parameters
    ----------
    network
        An exported network, its file or its folder; or a network in floats, such as `from_torch` gives, which runs in
        plain numpy: for a few samples.
    inputs, labels, samples
        As of `run`.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For inputs that the network does not take.

    Notes
    -----
    On the torch module that a network came from NeuroBench's harness finds the same, but for what `snn-deploy help
    neurobench` lists: the framework's own buffers, norms that were folded, and states that are reset one step later.
    """
    found = network if isinstance(network, FloatNetwork) else integer_network(network)
    chosen = _chosen(found, inputs, samples, labels)
    with watch.progress("NeuroBench", chosen.count) as advance:
        counts = neurobench_counts(found, chosen.shown, advance)
    accuracy = chosen.accuracy(predicted_classes(counts.outputs))
    return Neurobench(footprint(found), counts, accuracy, found.steps, isinstance(found, FloatNetwork))


def _chosen(network: FloatNetwork | IntegerNetwork, inputs: Data, samples: int, labels: np.ndarray | None) -> Chosen:
    """Return the samples that are counted on."""
    if isinstance(network, IntegerNetwork):
        return choose(network, inputs, samples, labels)
    if isinstance(inputs, np.ndarray):
        as_frames(network, inputs)
        return Chosen(inputs, labels, inputs.shape[1:] != network.input.shape).first(samples)
    require_data(network, inputs)
    data = inputs if isinstance(inputs, Samples) else samples_of(network.provenance, inputs, samples, "test")
    data = fitting(network, data)
    first = data.first(samples)
    return Chosen(first.shown, first.labels, first.is_sequence)


def _total(operations: tuple[Operations, ...]) -> Operations:
    return Operations("all", *(math.fsum(getattr(o, name) for o in operations) for name in ("macs", "acs", "dense")))


def _as_dict(operations: Operations) -> dict[str, float]:
    return {"Effective_MACs": operations.macs, "Effective_ACs": operations.acs, "Dense": operations.dense}


def _parts(footprint: Footprint) -> str:
    return f"weights {footprint.weights:,}, biases {footprint.biases:,}, constants {footprint.constants:,}"

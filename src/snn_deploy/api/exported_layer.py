"""exported_layer: how one population became integers, as numbers and in words."""

from dataclasses import asdict, dataclass

import numpy as np

from snn_deploy.export.to_integer_network import Export
from snn_deploy.network.integer_network import IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY, STATE_SHIFT, STATE_UNIT
from snn_deploy.rounding.fit import Fit
from snn_deploy.rounding.limits import Limits

Span = float | tuple[float, float]
"""One number where all channels have the same, else (least, most)."""


@dataclass(frozen=True)
class ExportedLayer:
    """How one population became integers.

    scale: membrane potential per weight step, in the unit of the trained network, None where that came in integers;
    scale_set_by_bounds: whether a finer one would have let a state overflow, or what was measured of it leave its
    margin; bits_lost_to_bounds: by how many bits it would have been finer. exponents: of each connection that reaches
    it. clipped_weights: how many. largest_rounding: of biases, reset and initial values and threshold steps, in the
    trained unit. weights: (least, most). threshold: in weight steps, None where it never fires; threshold_step: by how
    many each spike raises it, threshold_keep: the share of that which is left after a step, None where it is constant.
    largest_current, largest_potential: that any input can cause; highest_potential: the same without potentials below
    0, and so what can reach the threshold; measured_current, measured_potential: on samples in floats, None where the
    bounds are proved; limit: the largest that the chip holds; these six in 1/64 of a weight step. can_fire: whether
    some input can make a neuron of it fire.
    """

    population: str
    scale: Span | None
    scale_set_by_bounds: bool
    bits_lost_to_bounds: float
    exponents: tuple[int, ...]
    clipped_weights: int
    largest_rounding: float
    weights: tuple[int, int]
    threshold: Span | None
    largest_current: int
    largest_potential: int
    highest_potential: int
    measured_current: int | None
    measured_potential: int | None
    limit: int
    can_fire: bool
    threshold_step: Span | None = None
    threshold_keep: Span | None = None

    @property
    def shown_current(self) -> int:
        """The largest current that its scale was made for: measured, or else proved."""
        return self.largest_current if self.measured_current is None else self.measured_current

    @property
    def shown_potential(self) -> int:
        """The largest potential that its scale was made for: measured, or else proved."""
        return self.largest_potential if self.measured_potential is None else self.measured_potential


def exported_layer(export: Export, population: IntegerPopulation, limits: Limits) -> ExportedLayer:
    """Return how `population` of `export` became integers."""
    weights = [c.weights for c in export.network.connections_to(population.name)]
    found, bounds = export.fits.get(population.name), export.bounds[population.name]
    measured = None if export.largest_states is None else export.largest_states[population.name]
    return ExportedLayer(
        population=population.name,
        scale=None if found is None else _span(found.units),
        scale_set_by_bounds=bool(found and found.lowered_by_bounds.any()),
        bits_lost_to_bounds=float(found.bits_for_states.max()) if found else 0.0,
        exponents=tuple(c.exponent for c in export.network.connections_to(population.name)),
        clipped_weights=sum(found.clipped) if found else 0,
        largest_rounding=found.largest_rounding if found else 0.0,
        weights=(min(int(w.min()) for w in weights), max(int(w.max()) for w in weights)),
        threshold=_span(population.threshold) if population.fires else None,
        largest_current=int(bounds.current.max()),
        largest_potential=int(bounds.potential.max()),
        highest_potential=int(bounds.highest_potential.max()),
        measured_current=None if measured is None or found is None else _in_states(measured.current, found),
        measured_potential=None if measured is None or found is None else _in_states(measured.potential, found),
        limit=limits.largest_state,
        can_fire=population.fires and bool((bounds.highest_potential > _state_units(population.threshold)).any()),
        threshold_step=_span(population.threshold_step / STATE_UNIT) if population.adapts else None,
        threshold_keep=_span(population.threshold_keep / DECAY_UNITY) if population.adapts else None,
    )


def _state_units(threshold: np.ndarray) -> np.ndarray:
    return threshold.astype(np.int64) << STATE_SHIFT


def _in_states(largest: np.ndarray, found: Fit) -> int:
    """Return the largest of sizes in the trained unit, (channels,), in 1/64 of a weight step."""
    return int(np.rint(largest / found.units * STATE_UNIT).max())


def layer_as_dict(layer: ExportedLayer) -> dict[str, object]:
    """Return the layer with lists for tuples, as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(layer).items()}


def _span(values: np.ndarray) -> Span:
    least, most = values.min().item(), values.max().item()
    return least if least == most else (least, most)


def span_in_words(span: Span) -> str:
    """Return one number, or the least and the most."""
    return "..".join(f"{value:.6g}" for value in span) if isinstance(span, tuple) else f"{span:.6g}"

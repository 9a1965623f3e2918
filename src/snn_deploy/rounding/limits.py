"""limits: what a target can hold: bits of weights and states, thresholds, biases."""

from dataclasses import dataclass

from snn_deploy.network.state_units import LARGEST_THRESHOLD


@dataclass(frozen=True)
class Limits:
    """What a target can hold.

    weight_bits: of a signed weight, 2 to 8; 9 is 8 and a sign for all weights of a connection that share it.
    per_channel: whether each channel may have a unit, and so a threshold, of its own. largest_threshold: of a threshold
    mantissa. state_bits: of current and potential, with the sign. distinct_thresholds: how many different thresholds
    a population may have; None is any number. bias_mantissa, bias_exponent: the largest of each; a bias is a mantissa
    times 2^exponent state units; None is any bias that the states' bits hold. least_bias_exponent: of all biases.
    accumulator_bits: of the sum of what arrives in a step, with the sign; None is as many as the current has.
    one_exponent: whether all connections that reach a population have one exponent.
    """

    weight_bits: int = 8
    per_channel: bool = False
    largest_threshold: int = LARGEST_THRESHOLD
    state_bits: int = 24
    distinct_thresholds: int | None = None
    bias_mantissa: int | None = None
    bias_exponent: int = 0
    least_bias_exponent: int = 0
    accumulator_bits: int | None = None
    one_exponent: bool = False

    @property
    def largest_arrival(self) -> int:
        """The largest sum of what arrives in a step, in state units."""
        return self.largest_state if self.accumulator_bits is None else int(2 ** (self.accumulator_bits - 1)) - 1

    @property
    def largest_state(self) -> int:
        """The largest current and potential."""
        return int(2 ** (self.state_bits - 1)) - 1

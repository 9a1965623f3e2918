"""fuzz: random legal networks and inputs on several backends, every spike and output compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.deploy.verification.random_network import NETX, Features, random_inputs, random_network
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result
from snn_deploy.support.user_error import UserError

_FEATURES: Mapping[str, Features] = {"netx": NETX}  # backends that cannot hold every network: what they are drawn
_SAMPLES = 3


@dataclass(frozen=True, repr=False)
class Fuzz(Result):
    """What a fuzz found. refused: seed -> why a backend did not take the network; nothing was compared there.

    failures: seed -> the difference, or the error of the backend that broke. overflows: how many states left their 24
    bits in the networks compared, where the first backend counts them.
    """

    backends: tuple[str, ...]
    networks: int
    compared: int
    spikes: int
    failures: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    overflows: int = 0

    @property
    def is_identical(self) -> bool:
        """Whether no network showed a difference."""
        return not self.failures

    def repeat(self, seed: int) -> str:
        """Return the command that draws and compares the network of `seed` again."""
        return f"snn-deploy fuzz --networks 1 --seed {seed} --backends {','.join(self.backends)}"

    def headline(self) -> str:
        """Return how much was compared, and whether it is identical."""
        ended = "identical" if self.is_identical else f"{counted(len(self.failures), 'network')} FAILED"
        return f"{ended}: {self._compared()}"

    def blocks(self) -> tuple[Block, ...]:
        """Return what was compared, why some were not, and each failure with the command that repeats it."""
        lines = [self._compared()]
        if self.overflows:
            lines.append(f"{self.overflows} states left their 24 bits in them")
        for reason, count in _counts(self.refused).items():
            lines.append(f"not compared, {count}: {reason}")
        for seed, text in self.failures.items():
            lines += [f"seed {seed}: {text}", f"  repeat: {self.repeat(seed)}"]
        lines.append("identical" if self.is_identical else f"{counted(len(self.failures), 'network')} FAILED")
        return tuple(lines)

    def _compared(self) -> str:
        on = ", ".join(self.backends)
        return f"{self.compared} of {counted(self.networks, 'network')} compared, {self.spikes} spikes, on {on}"

    def to_dict(self) -> dict[str, object]:
        """Return the outcome as plain dictionaries and lists."""
        return {
            "identical": self.is_identical,
            "backends": list(self.backends),
            "networks": self.networks,
            "compared": self.compared,
            "spikes": self.spikes,
            "overflows": self.overflows,
            "failures": [{"seed": s, "what": t, "repeat": self.repeat(s)} for s, t in self.failures.items()],
            "refused": [{"seed": s, "reason": t} for s, t in self.refused.items()],
        }


def fuzz(
    networks: int,
    seed: int,
    backends: Sequence[str],
    *,
    features: Features | None = None,
    progress: Callable[[int], None] | None = None,
) -> Fuzz:
    """Return what `networks` random networks, of the seeds from `seed` on, show on `backends`.

    features: of the networks; None is everything that all of `backends` can hold. progress: called with 1 after each.
    Both the network and its inputs follow from a network's seed alone.
    """
    if networks < 1 or seed < 0:
        raise UserError(f"fuzz: {networks} networks from seed {seed}; allowed are at least 1 and a seed from 0.")
    drawn = features or next((_FEATURES[b] for b in backends if b in _FEATURES), Features())
    verify(random_network(0, NETX), random_inputs(random_network(0, NETX), 1, 0), backends)  # wrong names come out here
    compared = spikes = beyond = 0
    failures: dict[int, str] = {}
    refused: dict[int, str] = {}
    for one in range(seed, seed + networks):
        try:
            network = random_network(one, drawn)
            found = verify(network, random_inputs(network, _SAMPLES, one), backends)
        except UserError as error:
            refused[one] = str(error)
        except JobError as error:
            failures[one] = str(error)
        except Exception as error:  # noqa: BLE001 - whatever breaks a backend is a finding, and must name its seed
            failures[one] = f"{type(error).__name__}: {error}"
        else:
            compared, spikes = compared + 1, spikes + found.spikes
            beyond += sum(one.wrapped_currents + one.saturated_potentials for one in found.overflows or ())
            if not found.is_identical:
                failures[one] = str(found)
        if progress:
            progress(1)
    return Fuzz(tuple(backends), networks, compared, spikes, failures, refused, beyond)


def _counts(refused: Mapping[int, str]) -> dict[str, int]:
    """Return reason -> how often; the reasons name the backend's limit and a population of that network."""
    found: dict[str, int] = {}
    for reason in refused.values():
        found[reason] = found.get(reason, 0) + 1
    return found

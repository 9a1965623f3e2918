"""refusal: why nodes of a NIR graph cannot be taken, collected, so that a user sees all of them at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.support.user_error import UserError


@dataclass
class Refusals:
    """What was refused so far: node -> reason, in the order in which it was found."""

    where: str
    reasons: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def collect(self, node: str) -> Iterator[None]:
        """Note a NodeError that is raised inside as one of `node`; the first of a node counts."""
        try:
            yield
        except NodeError as refusal:
            self.reasons.setdefault(node, str(refusal))

    def raise_any(self) -> None:
        """Raise one UserError that names every refused node, or nothing where there is none."""
        if self.reasons:
            count = len(self.reasons)
            nodes = "1 node" if count == 1 else f"{count} nodes"
            listed = " ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
            raise UserError(f"{self.where}: {nodes} cannot be taken. {listed}")

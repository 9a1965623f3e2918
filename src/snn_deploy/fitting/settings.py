"""settings: what a fit is asked, kept in its folder so that it goes on only with the same."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from snn_deploy.deploy.mapping.cores.placement import Storage
from snn_deploy.fitting.accounting import Targets
from snn_deploy.support.atomic_file import remove_file
from snn_deploy.support.sealed_json import SealedJson
from snn_deploy.support.user_error import UserError

Criterion = Literal["taylor", "magnitude"]
Pruned = Literal["both", "channels", "synapses"]
WHAT: tuple[Pruned, ...] = get_args(Pruned)
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
SETTINGS = "fit.json"
FILE = SealedJson("snn-deploy fit", 1, "settings", 2**16, "the settings of a fit", "Choose another folder with --out.")
_LEFTOVERS = (".fit.json.*", ".trade.*", "stage*/.stage.json.*")  # half-written by a fit that was killed


@dataclass(frozen=True)
class FitSettings:
    """A fit. parent: the SHA-256 of the checkpoint of the run that it begins with.

    rounds: in which the excess falls to 0 in equal parts. epochs: of training after each; quantized_epochs: with
    rounded weights, after those of the last. criterion: "taylor" takes the channels that save most for their loss,
    "magnitude" the same share of every layer, those with the smallest weights. samples: of the training set, on which a
    channel's importance is measured. weight_bits, per_channel: as the exporter gets them. changes: to the config, for
    every stage. prune: what may go; synapses do only by the criterion "taylor", where the chip stores only those that
    there are.
    """

    parent: str
    chip: str
    targets: Targets
    storage: Storage
    criterion: Criterion
    rounds: int
    epochs: int
    quantized_epochs: int
    samples: int
    weight_bits: int
    per_channel: bool
    changes: tuple[str, ...] = ()
    prune: Pruned = "both"

    def __post_init__(self) -> None:
        if self.criterion not in CRITERIA:
            raise UserError(f"--criterion {self.criterion}; allowed are {' and '.join(CRITERIA)}.")
        if self.prune not in WHAT:
            raise UserError(f"--prune {self.prune}; allowed are {', '.join(WHAT)}.")
        if self.prune == "synapses" and self.criterion == "magnitude":
            raise UserError("--prune synapses with --criterion magnitude, which takes channels. Leave one of them out.")
        least = {"rounds": 1, "epochs": 0, "quantized_epochs": 0, "samples": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                option = f"--{name.replace('_', '-')}"
                raise UserError(f"{option} {getattr(self, name)}; allowed is a whole number from {smallest}.")
        if self.epochs + self.quantized_epochs == 0:
            raise UserError("--epochs 0 with --quantized-epochs 0: nothing would be trained. Set one of them.")
        if self.epochs == 0 and self.rounds > 1:
            raise UserError(f"--epochs 0 with --rounds {self.rounds}: nothing is trained between. Set --rounds 1.")


def begin(folder: Path, settings: FitSettings, *, resume: bool) -> None:
    """Write `settings` into the folder of the fit, or check that those in it are the same.

    What a fit that was killed has left half-written is removed.
    """
    for leftover in (path for pattern in _LEFTOVERS for path in folder.glob(pattern)):
        remove_file(leftover)
    path = folder / SETTINGS
    plain = json.loads(json.dumps(asdict(settings)))
    if not path.exists():
        FILE.write(path, plain)
        return
    if not resume:
        raise UserError(f"{folder}: holds a fit. Go on with it with --resume, or choose another --out.")
    before = FILE.read(path)
    differing = sorted(k for k in plain.keys() | before.keys() if plain.get(k) != before.get(k))
    if differing:
        raise UserError(
            f"{folder}: cannot be resumed with other {', '.join(differing)}. Leave those options as they were ({path} "
            "has them), or choose another --out."
        )

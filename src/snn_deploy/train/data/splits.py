"""splits: training samples, validation samples to choose by, and test samples that are looked at once.

A data set with a validation split of its own has `has_validation`, and `load("validation")`. From the others a share of
the training samples is held out: of every class, the same ones in every run, so that a network that starts from
another's weights is never validated on what those were trained with. Of values instead of classes the last ones are.
"""

from typing import Protocol

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.data.signals import Signals

_SEED = 0


class DatasetOptions(Protocol):
    """What a plug-in's dataclass `Dataset` can do. One that gives Signals says so: gives_signals = True."""

    def load(self, split: Split) -> Samples | Signals:
        """Return one split."""


def training_and_validation(data: DatasetOptions, share: float) -> tuple[Samples | Signals, Samples | Signals | None]:
    """Return the samples to train on and those to choose by, None where there are none.

    share: of the training samples of each class that is held out where the data set has no validation split; 0 is none.
    """
    training = data.load("train")
    if getattr(data, "has_validation", False):
        return training, data.load("validation")
    if training.reading is not None:  # pieces of a signal may overlap, so the last ones are held out
        count = len(training.labels)
        held_out = np.arange(count - round(share * count), count)
    else:
        held_out = held_out_samples(training.labels, share)
    if not len(held_out):
        return training, None
    kept = np.setdiff1d(np.arange(len(training.labels)), held_out)
    return training.chosen(kept), training.chosen(held_out)


def validation_samples(data: DatasetOptions, share: float, where: str) -> Samples | Signals:
    """Return the samples to choose by; a UserError that starts with `where` where there are none."""
    _, validation = training_and_validation(data, share)
    if validation is None:
        raise no_validation(where)
    return validation


def no_validation(where: str) -> UserError:
    """Return the error of what chooses by validation samples where there are none."""
    return UserError(
        f"{where}: there are no validation samples to choose by. Set data.validation to a share of the training "
        "samples, such as 0.1."
    )


def held_out_samples(labels: np.ndarray, share: float) -> np.ndarray:
    """Return the indices, ascending, of `share` of each class, at least one of a class with two samples or more."""
    if share == 0:
        return np.empty(0, np.int64)
    generator = np.random.default_rng(_SEED)
    held_out = []
    for label in np.unique(labels):
        of_class = generator.permutation(np.flatnonzero(labels == label))
        count = max(round(share * len(of_class)), min(len(of_class) - 1, 1))
        held_out.append(of_class[:count])
    return np.sort(np.concatenate(held_out))

"""relu_training: what of a run's config trains the ReLU network that its spiking one starts from."""

from dataclasses import dataclass, replace
from typing import Any

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.config.train_config import Choice, QuantizationAware, TrainConfig


@dataclass(frozen=True, kw_only=True)
class ReluTraining(TrainConfig):
    """The config of the first stage of a run. whole: that of the run, by which the stage is known and resumed."""

    whole: TrainConfig

    def table(self) -> dict[str, Any]:
        """Return the config of the run."""
        return self.whole.table()


def relu_training(config: TrainConfig) -> ReluTraining:
    """Return the training of the ReLU network: the same data, augmentations, batches, seed and optimizer.

    What only spikes have is left out: steps, surrogate, losses that act on potentials, rounding, measured layers.
    """
    before = config.ann_first
    training = replace(config.training, epochs=before.epochs, keep="last", measured_samples=0, synapses="float32")
    parts = {name: getattr(config, name) for name in TrainConfig.__dataclass_fields__}
    changed = {
        "training": training,
        "optimizer": replace(config.optimizer, learning_rate=before.learning_rate),
        "losses": tuple(loss for loss in config.losses if loss.options.classifies),
        "surrogate": Choice("rectangle", load_plugin("train.surrogates", "rectangle").Surrogate()),
        "quantization": QuantizationAware(),
        "steps": 1,
    }
    return ReluTraining(**{**parts, **changed}, whole=config)

"""combinations: choices that are legal one by one and make no sense together are refused, with the reason."""

from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.train_config import TIME_BASED, TrainConfig
from snn_deploy.train.networks.network_plan import NetworkPlan


def require_sensible(config: TrainConfig, where: str) -> None:
    """Raise a UserError that names the first pair of choices that contradict each other."""
    _require_method(config, where)
    _require_values(config, where)
    _require_ann_first(config, where)
    _require_delays(config, where)
    epochs, quantized = config.training.epochs, config.quantization.epochs
    if quantized > epochs:
        raise UserError(
            f"{where}: quantization.epochs {quantized} of training.epochs {epochs}; there are not so many. "
            f"For quantization from the start set quantization.epochs to {epochs}."
        )
    if quantized and config.norm.options.needs_bias:
        raise UserError(
            f"{where}: quantization, and norm.name {config.norm.name!r} has a shift: a bias in every step, which the "
            "rounded network does not have. Choose norm.name 'centered_tdbn' or 'scale_tdbn', or leave "
            "[quantization] out and export with --shift bias."
        )
    neuron = config.neuron.options
    if neuron.adapts and (quantized or config.ann_first.epochs):
        section = "quantization" if quantized else "ann_first"
        raise UserError(
            f"{where}: {section} with neuron.name {config.neuron.name!r}, whose thresholds adapt; it trains in floats "
            f"from the start. Set {section}.epochs to 0."
        )
    if quantized and not neuron.learns_voltage_keep and not (neuron.voltage_keep * DECAY_UNITY).is_integer():
        nearest = round(neuron.voltage_keep * DECAY_UNITY) / DECAY_UNITY
        raise UserError(
            f"{where}: quantization with neuron.voltage_keep {neuron.voltage_keep}, which is no whole number of "
            f"1/{DECAY_UNITY}, the decays that a chip has. Use {nearest}."
        )
    for loss in config.losses:
        least = least_epochs(loss.options)
        if 0 < epochs < least:
            raise UserError(
                f"{where}: losses.{loss.name} with training.epochs {epochs}: its weight rises and falls over the "
                f"epochs to 0 in the last one, so it would do nothing. Train for {least} epochs or more, or leave it "
                "out."
            )


def _require_values(config: TrainConfig, where: str) -> None:
    """Raise a UserError where one of data and loss has values and the other classes, or what values do not go with."""
    gives_values = getattr(config.data.options, "gives_values", False)
    for loss in config.losses:
        reads_values = getattr(loss.options, "reads_values", False)
        if loss.options.classifies and reads_values != gives_values:
            has, wants = ("values", "classes") if gives_values else ("classes", "values")
            fitting = "losses.mean_squared_error" if gives_values else "losses.cross_entropy or losses.tet"
            raise UserError(
                f"{where}: losses.{loss.name} is about {wants}, and data.name {config.data.name!r} has {has}. "
                f"Choose {fitting}."
            )
    if not gives_values:
        return
    if config.method == TIME_BASED:
        raise UserError(
            f"{where}: method 'time-based' with data.name {config.data.name!r}, which has values: its output fires, "
            "and values are read from potentials. Choose method 'surrogate'."
        )
    if config.ann_first.epochs:
        raise UserError(
            f"{where}: ann_first with data.name {config.data.name!r}, which has a value for every step; a ReLU network "
            "has one output. Set ann_first.epochs to 0."
        )
    if config.augmentations:
        raise UserError(
            f"{where}: augmentations.{config.augmentations[0].name} with data.name {config.data.name!r}: they change "
            "what a class stays the same for, and a value does not. Leave them out."
        )


def _require_ann_first(config: TrainConfig, where: str) -> None:
    """Raise a UserError for a start from a ReLU network that this config cannot have, or that nothing else starts."""
    before, epochs = config.ann_first.epochs, config.training.epochs
    if epochs == 0 and before == 0:
        raise UserError(
            f"{where}: training.epochs 0 trains nothing. Set it to 1 or more; or, for conversion without training, set "
            "ann_first.epochs too."
        )
    idle = next((loss.name for loss in config.losses if not loss.options.classifies), None)
    if epochs == 0 and idle is not None:
        raise UserError(
            f"{where}: losses.{idle} with training.epochs 0: it acts in spiking epochs, and there are none. Leave it "
            "out."
        )
    if before and config.method == TIME_BASED:
        raise UserError(
            f"{where}: ann_first with method 'time-based', whose neurons have no rate that a ReLU network gives. Set "
            "ann_first.epochs to 0, or choose method 'surrogate'."
        )
    if before and getattr(config.norm.options, "needs_spikes", False):
        raise UserError(
            f"{where}: ann_first with norm.name {config.norm.name!r}, whose shift is counted in deviations of spikes. "
            "Set ann_first.epochs to 0, or norm.name to 'centered_tdbn'."
        )
    if before and config.coding != "direct":
        raise UserError(
            f"{where}: ann_first with coding {config.coding!r}: a ReLU network is shown an image, not spikes. Set "
            "ann_first.epochs to 0, or coding to 'direct'."
        )
    if before and epochs and config.quantization.epochs == epochs:
        raise UserError(
            f"{where}: ann_first with quantization in all {epochs} epochs: rounding goes by the norms' moments, and "
            "those of the ReLU network fit no spikes yet. Leave at least the first epoch in floats: set "
            f"quantization.epochs below {epochs}."
        )


def _require_delays(config: TrainConfig, where: str) -> None:
    """Raise a UserError for what does not go together with delays that are learned."""
    if config.delays.kind == "none":
        return
    if config.method == TIME_BASED:
        raise UserError(f"{where}: delays with method 'time-based', which has none. Set delays.kind to 'none'.")
    if config.ann_first.epochs:
        raise UserError(f"{where}: ann_first with delays, which no ReLU network has. Set ann_first.epochs to 0.")
    if config.quantization.epochs:
        raise UserError(
            f"{where}: quantization with delays: rounded weights do not train with delays. Leave [quantization] out, "
            "and export with more bits."
        )
    if config.coding != "direct":
        raise UserError(f"{where}: delays with coding {config.coding!r}. Set coding to 'direct'.")


def least_epochs(loss: object) -> int:
    """Return the number of epochs that a loss needs to do anything."""
    return int(getattr(loss, "least_epochs", 1))


def _require_method(config: TrainConfig, where: str) -> None:
    """Raise a UserError for a plug-in of the other method."""
    is_timed = config.method == "time-based"
    if is_timed != (config.neuron.name == "spike_response"):
        raise UserError(
            f"{where}: method {config.method!r} with neuron.name {config.neuron.name!r}. 'time-based' and "
            "'spike_response' belong together; leave one out and the other is chosen."
        )
    learns_thresholds = getattr(config.norm.options, "learns_thresholds", False)
    fits = config.norm.name in ("threshold_standardization", "weight_standardization", "none")
    if learns_thresholds > is_timed or (is_timed and not fits):
        allowed = "threshold_standardization, weight_standardization and none" if is_timed else "every other norm"
        raise UserError(f"{where}: method {config.method!r} with norm.name {config.norm.name!r}; allowed: {allowed}.")
    for loss in config.losses:
        counts = getattr(loss.options, "counts_spikes", False)
        if counts != is_timed:
            what = "counts the output's spikes" if counts else "acts on potentials"
            raise UserError(
                f"{where}: method {config.method!r} with losses.{loss.name}, which {what}. 'time-based' takes "
                "counting, enhanced_counting and spike_train_difference; 'surrogate' takes the others."
            )
    if is_timed and config.feedback.share:
        raise UserError(f"{where}: feedback.share with method 'time-based', which scales no feedback. Set it to 0.")
    if is_timed and config.quantization.epochs:
        raise UserError(f"{where}: quantization with method 'time-based', which trains in floats. Set its epochs to 0.")


def require_fitting(config: TrainConfig, plan: NetworkPlan) -> None:
    """Raise a UserError that names the first choice that can do nothing with this network and its inputs."""
    hidden = plan.populations[:-1]
    loop = next((c.name for c in plan.connections if c.source == c.target), None)
    if loop is not None and (config.quantization.epochs or config.neuron.options.learns_voltage_keep):
        raise UserError(
            f"connection {loop!r}: a layer that feeds itself trains in floats with a voltage_keep that is given. Leave "
            "[quantization] and learns_voltage_keep out."
        )
    if loop is not None and config.ann_first.epochs:
        raise UserError(
            f"connection {loop!r}: a layer that feeds itself has no equal ReLU network. Set ann_first.epochs to 0."
        )
    if loop is None and config.feedback.share:
        raise UserError(
            f"feedback.share {config.feedback.share}: no layer of model.name {config.model.name!r} feeds itself. Put "
            "an R behind one, as in model.layers = '128R-10', or leave [feedback] out."
        )
    for loss in config.losses:
        if not loss.options.classifies and not loss.options.constrained(hidden):
            raise UserError(
                f"losses.{loss.name}: constrains no layer of model.name {config.model.name!r}, which has "
                f"{len(hidden)} hidden layers, none of them one that it acts on. Leave it out, or choose a deeper one."
            )
    if config.augmentations and len(plan.input.shape) != 3:
        raise UserError(
            f"augmentations.{config.augmentations[0].name}: changes images (channels, height, width), and the samples "
            f"of data.name {config.data.name!r} have the shape {plan.input.shape}. Leave it out."
        )

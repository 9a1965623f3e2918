"""signal_sources: what a network is shown value by value: the series of a data set, and a stream's encoder."""

from collections.abc import Mapping
from typing import Any

from snn_deploy.api.data_set_of import data_set_of, encoder_of
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.series import Series
from snn_deploy.train.data.signals import Signals
from snn_deploy.train.data.streamed_signals import StreamedSignals


def has_series(provenance: Mapping[str, Any], data: str | None) -> bool:
    """Return whether `data`, or the data set in the network's provenance, has a series that could be continued."""
    return hasattr(data_set_of(provenance, data)[0], "series")


def series_of(provenance: Mapping[str, Any], data: str | None) -> Series:
    """Return the series of `data`, or of the data set in the network's provenance; one that has none is a UserError."""
    options, _, where = data_set_of(provenance, data)
    series = getattr(options, "series", None)
    if series is None:
        raise UserError(f"{where}: no series that could be continued. Choose a data set that has one: mackey_glass.")
    found: Series = series()
    return found


def streamed_signals(network: IntegerNetwork | FloatNetwork, data: str | None) -> StreamedSignals | None:
    """Return the encoder that `network` was trained with, ready for a stream; None where it was trained with none.

    data: the data set whose training samples say how values become integers, as of `choose`. A network that sees a
    whole sample at once is a UserError.
    """
    stated = network.provenance.get("config", {}).get("encoder", {})
    if "name" not in stated:
        return None
    encoder = encoder_of(stated, is_trusted=data is not None)
    training = data_set_of(network.provenance, data)[0].load("train")
    if not isinstance(training, Signals):
        raise UserError("data: are no signals, and the network was trained on some. Choose the data it was trained on.")
    if training.columns:
        raise UserError(
            f"the network sees {training.columns} values at once, as a map (data.columns), so it has no stream of "
            "them. Train it with data.columns = 0, or cut the signal into samples and leave --stream out."
        )
    return StreamedSignals(encoder, training.span, stated["name"])

"""network_config: what of a config says how large the network is; torch is not loaded for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snn_deploy.train.config.checked_options import checked_options
from snn_deploy.train.config.read_config import read_choice, read_encoder, read_numbers
from snn_deploy.train.config.train_config import Choice, Numbers, QuantizationAware


@dataclass(frozen=True)
class NetworkConfig:
    """The data, their encoder, the model and the bits of a config; the rest of it is not looked at."""

    numbers: Numbers
    data: Choice
    encoder: Choice | None
    model: Choice
    quantization: QuantizationAware


def network_config(table: Mapping[str, Any], where: str) -> NetworkConfig:
    """Return what `table`, of a config, says of its network; `where` starts every error."""
    numbers = read_numbers(table, where)
    quantization = checked_options(QuantizationAware, table.get("quantization", {}), f"{where}: [quantization]")
    data, model = (read_choice(section, table, where) for section in ("data", "model"))
    return NetworkConfig(numbers, data, read_encoder(data, table, where), model, quantization)

"""framework: the spiking modules that torch_neurons/ knows, found in a module."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from snn_deploy.interchange.linear.torch_neuron import NeuronCall, TorchNeurons
from snn_deploy.support.plugin import load_plugin, plugin_names

_PLUGINS = "interchange.torch_neurons"


@dataclass(frozen=True)
class Spiking:
    """A spiking module with the plug-in that knows it, as a module of the class `name`."""

    module: torch.nn.Module
    plugin: ModuleType
    name: str

    def neurons(self) -> TorchNeurons:
        """Return what its neurons do in a step; a NodeError where no network here can hold it."""
        found: TorchNeurons = self.plugin.CLASSES[self.name](self.module)
        return found

    def called(self, arguments: Mapping[str, Any], result: Any) -> NeuronCall:
        """Return what a call with these arguments, by name, and this result is."""
        call: NeuronCall = self.plugin.called(self.module, arguments, result)
        return call

    def forget(self) -> None:
        """Bring it to the state before the first step."""
        self.plugin.forget(self.module)


def find_spiking(module: torch.nn.Module) -> Spiking | None:
    """Return the spiking module that `module` is, None where no plug-in knows it.

    A class of the user counts as the one that it is derived from, as long as it runs that one's forward.
    """
    for kind in type(module).__mro__:
        package = kind.__module__.split(".", maxsplit=1)[0]
        if package in plugin_names(_PLUGINS):
            plugin = load_plugin(_PLUGINS, package)
            if kind.__name__ in plugin.CLASSES and getattr(kind, "forward", None) is type(module).forward:
                return Spiking(module, plugin, kind.__name__)
    return None
